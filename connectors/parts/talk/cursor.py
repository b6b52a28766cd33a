"""Where a poll goes on: what a source remembers from one page to the next, and from one poll to the next.

Most read a list of what has changed since a moment (`Window`). The list stays the same one until it is through, with
its place stored at every page. The next one begins a little earlier than it must: systems show changes late.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from engine.contracts import Asking

T = TypeVar("T")
OVERLAP = timedelta(minutes=10)


def remembered(asking: Asking, kind: type[T], begin: Callable[[], T]) -> T:
    """What the cursor holds, or the beginning: also for a cursor that cannot be read, for what is found twice is stored
    once."""
    try:
        return msgspec.json.decode(asking.cursor or "", type=kind)
    except msgspec.DecodeError:
        return begin()


def written(value: object) -> str:
    """The cursor to store."""
    return msgspec.json.encode(value, order="deterministic").decode()


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is asked for; `began` is when this list was begun by our clock, `top` the latest change seen in it.
    `after` is the system's own word for where in the list to go on, None at its beginning. `noted` is what the source
    wants to remember beside. Times are aware."""

    since: datetime
    began: datetime
    after: str | None = None
    top: datetime | None = None
    noted: dict[str, str] = {}

    def reached(self, after: str | None, *changes: datetime | None) -> Window:
        """The same list one page on."""
        return replace(self, after=after, top=max((at for at in (self.top, *changes) if at), default=None))

    def done(self, overlap: timedelta = OVERLAP) -> Window:
        """The next list begins at the latest change that was seen: by the system's clock, which need not agree with
        ours. Never before this one, so that a quiet shop is not read again and again."""
        return self._next(self.top or self.since, overlap)

    def through(self, overlap: timedelta = OVERLAP) -> Window:
        """The next list begins where this one was begun, by our clock: for records that do not tell when they
        changed."""
        return self._next(self.began, overlap)

    @property
    def text(self) -> str:
        """The cursor to store."""
        return written(self)

    def _next(self, at: datetime, overlap: timedelta) -> Window:
        return replace(self, since=max(self.since, at - overlap), after=None, top=None)


def window(asking: Asking) -> Window:
    """Where this poll goes on, or begins."""
    known = remembered(asking, Window, lambda: Window(since=asking.since, began=asking.now))
    return known if known.after is not None else replace(known, began=asking.now)
