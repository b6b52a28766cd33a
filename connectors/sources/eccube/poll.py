"""Polling EC-CUBE: orders by their last change, newest first.

The order's date of change is all that can be filtered and sorted by, and it stays when a parcel gets its number or its
mail. A webhook tells of both; what a lost webhook left is found by looking further back once in a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import flag, rows, table
from connectors.sources.eccube.asked import found, put
from connectors.sources.eccube.query import many
from connectors.sources.eccube.words import when
from engine.contracts import Asking, Conversation, Page

OVERLAP = timedelta(minutes=10)
LIMIT = 50
MOST_PAGES = 2000
DEEP_EVERY = timedelta(hours=12)
DEEP = timedelta(days=5)  # how long a parcel may wait for its number after the order was last touched


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since`: all that changed before is known. While a look is under way, `start` is how far back it goes, `page` the
    next one to ask for and `until` where the next look begins. `deep`: when it was last looked further back."""

    since: datetime
    deep: datetime
    start: datetime | None = None
    page: int = 1
    until: datetime | None = None


def poll(asking: Asking) -> Conversation[None]:
    """All orders that changed since the cursor. Pages are counted from the newest: an order that changes meanwhile
    moves to the front and pushes the others back, so that some come twice and none is missed."""
    cursor = _begun(asking)
    start = cursor.start or cursor.since
    day = (start - timedelta(days=1)).date().isoformat()  # a day of the shop, wherever it is
    before: list[Mapping[str, Any]] = []
    while True:
        data = yield from put(asking, partial(many, cursor.page, LIMIT, day))
        answered = table(data.get("orders"))
        records = rows(answered.get("nodes"))
        changed = [when(record, "update_date", "create_date") for record in records]
        until = cursor.until or max(filter(None, changed), default=cursor.since)
        news = [found(record) for record, at in zip(records, changed, strict=True) if at is None or at >= start]
        more = flag(table(answered.get("pageInfo")).get("hasNextPage")) and records and records != before
        if not more or cursor.page >= MOST_PAGES or _past(changed, start):
            done = Cursor(since=max(until, cursor.since), deep=cursor.deep)
            yield Page(found=tuple(news), cursor=written(done))
            return
        cursor, before = replace(cursor, page=cursor.page + 1, until=until), records
        yield Page(found=tuple(news), cursor=written(cursor))


def _begun(asking: Asking) -> Cursor:
    """The cursor with a look begun; one that was broken off goes on where it was."""
    cursor = remembered(asking, Cursor, lambda: Cursor(since=asking.since, deep=asking.now))
    if cursor.start is not None:
        return cursor
    if asking.now - cursor.deep >= DEEP_EVERY:
        return replace(cursor, start=min(cursor.since - OVERLAP, asking.now - DEEP), deep=asking.now)
    return replace(cursor, start=cursor.since - OVERLAP)


def _past(changed: list[datetime | None], start: datetime) -> bool:
    """Has the look come to what is known? Only where the page is sorted as it should be: plugins may sort otherwise."""
    times = [at for at in changed if at is not None]
    return len(times) == len(changed) and times == sorted(times, reverse=True) and times[-1] < start
