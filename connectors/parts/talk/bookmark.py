"""Where a poll stands that reads a list page by page, over what may be several visits.

The cursor holds since when changes are wanted and, in the middle of a list, the next page. When the list is through,
the next poll wants what has changed since this one began, and a little before: systems show changes late.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from engine.contracts import Asking

OVERLAP = timedelta(minutes=10)


class Bookmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since`: what changed earlier is known. `began`: when this list was begun. `page`: where in it to go on, in the
    system's own words; None at its beginning. Times are aware."""

    since: datetime
    began: datetime
    page: str | None = None

    def at(self, page: str) -> str:
        """The cursor for going on at that page."""
        return msgspec.json.encode(msgspec.structs.replace(self, page=page)).decode()

    def through(self, overlap: timedelta = OVERLAP) -> str:
        """The cursor for the poll after this one."""
        since = max(self.began - overlap, self.since)
        return msgspec.json.encode(Bookmark(since=since, began=self.began)).decode()


def bookmark(asking: Asking) -> Bookmark:
    """Where this poll goes on, or begins. A cursor that cannot be read begins at `asking.since`."""
    try:
        known = msgspec.json.decode(asking.cursor or "", type=Bookmark)
    except msgspec.DecodeError:
        return Bookmark(since=asking.since, began=asking.now)
    if known.page is not None:
        return known
    return Bookmark(since=known.since, began=asking.now)


def iso(at: datetime) -> str:
    """The moment in UTC, to the second: "2026-11-24T12:00:00Z"."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
