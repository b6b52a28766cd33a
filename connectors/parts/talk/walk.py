"""Walking through records by the time of their last change, oldest first, in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

Record = Mapping[str, Any]
STALE = 2  # pages without anything new before a walk ends: one is normal where a page begins at the end of another


class Walk:
    """Where a walk stands: the next page begins at `start` (records changed then or later) and is number `page` of
    those, counted from 0. It is `over` at the end.

    A page begins at the newest moment of the one before, since a record that changes meanwhile moves to the end of
    the list, and everything behind it moves up by one. Only where a whole page has one moment do pages count on. A
    server that repeats a page, or has no end, ends the walk.
    """

    def __init__(self, start: datetime, size: int, most: int = 400) -> None:
        self.start, self.size, self.page = start, size, 0
        self.over = False
        self.newest: datetime | None = None
        self._left, self._stale = most, 0
        self._seen: set[str] = set()

    def moved(
        self,
        records: Sequence[Record],
        name: Callable[[Record], str | None],
        changed: Callable[[Record], datetime | None],
    ) -> list[Record]:
        """The records of a page that were not on one before; the walk goes on behind it. `name` is None for what is
        no record; `changed` is aware."""
        new = []
        for one in records:
            known, at = name(one), changed(one)
            if known is not None and f"{known}@{at}" not in self._seen:
                self._seen.add(f"{known}@{at}")
                new.append(one)
        times = [at for one in records if (at := changed(one))]
        newest = max(times, default=self.start)
        self.page = 0 if newest > self.start else self.page + 1
        self.start = max(newest, self.start)
        self.newest = max(filter(None, (self.newest, *times)), default=None)
        self._left, self._stale = self._left - 1, 0 if new else self._stale + 1
        self.over = len(records) < self.size or self._stale >= STALE or self._left <= 0
        return new
