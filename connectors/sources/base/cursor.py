"""How far a poll of BASE has come: which orders are open, and since when changes are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import identity
from connectors.parts.values.times import from_unix
from connectors.sources.base.words import status_of
from engine.contracts import Asking

LATE = timedelta(days=1)  # of orders: some are shown long after they were placed
RECENT = timedelta(days=7)  # how far back the list is looked through
OLDEST = timedelta(days=90)  # an order that is open longer is nobody's any more
MOST_OPEN = 2000


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`open` are the orders that are not finished, each with the second it was ordered; `seen` the second of the last
    change that is known. While the list is being looked through, `start` is its beginning (unix seconds), `offset` how
    far it is through, and `top` the last change in it. After it `left` open orders are still to be read again, behind
    `turn`, which was read last. A poll may be broken off after any page, and goes on from there."""

    seen: int
    open: dict[str, int] = {}
    turn: str = ""
    left: int = 0
    start: int | None = None
    offset: int = 0
    top: int = 0

    @property
    def text(self) -> str:
        """As it is stored."""
        return written(self)


def is_open(row: Mapping[str, Any]) -> bool:
    """Can anything still happen to it? A status that we do not know is not an end."""
    said, _ = status_of(row)
    return not said or "open" in said


def kept(known: Mapping[str, int], listed: list[Mapping[str, Any]], now: datetime) -> dict[str, int]:
    """The open orders after a page of the list: no more than can be read again, and none that is too old."""
    left = dict(known)
    for row in listed:
        key = identity(row.get("unique_key"))
        if key is None:
            continue
        if is_open(row):
            left[key] = second(from_unix(row.get("ordered")))
        else:
            left.pop(key, None)
    oldest = int((now - OLDEST).timestamp())
    young = sorted((ordered, key) for key, ordered in left.items() if ordered >= oldest)
    return {key: ordered for ordered, key in young[-MOST_OPEN:]}


def begun(asking: Asking) -> Cursor:
    """The cursor with the list begun; a poll that was broken off goes on where it was."""
    since = int(asking.since.timestamp())
    cursor = remembered(asking, Cursor, lambda: Cursor(seen=since, start=since))
    if cursor.start is not None or cursor.left:
        return cursor
    recent = int((asking.now - RECENT).timestamp())
    waiting = min((ordered for ordered in cursor.open.values() if ordered >= recent), default=cursor.seen)
    return replace(cursor, start=int(min(waiting, cursor.seen) - LATE.total_seconds()))


def second(at: datetime | None) -> int:
    """Unix seconds; 0 for none."""
    return int(at.timestamp()) if at else 0
