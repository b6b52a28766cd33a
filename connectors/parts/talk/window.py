"""How far a poll has come: the cursor of sources that list what has changed since a moment, oldest change first.

A walk goes through the pages of one question, whose `since` stays the same; its place is stored with every page. The
next walk begins at the latest change that was seen less an overlap, for a system may store a change late. The moment
is always the system's own: nobody's clock has to agree with ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from connectors.parts.values.loose import table, text
from connectors.parts.values.times import moment
from engine.contracts import Asking

OVERLAP = timedelta(minutes=10)
LONGEST = 2000  # characters of a system's own page mark


@dataclass(frozen=True, kw_only=True)
class Window:
    """`since` is asked for (aware); `after` is the system's mark of the last page stored, `top` the latest change seen
    in this walk. `noted` is what the source wants to remember beside."""

    since: datetime
    after: str | None = None
    top: datetime | None = None
    noted: Mapping[str, str] | None = None

    def reached(self, after: str | None, *changes: datetime | None) -> Window:
        """The same walk one page on."""
        return replace(self, after=after, top=max((at for at in (self.top, *changes) if at), default=None))

    def done(self, overlap: timedelta = OVERLAP) -> Window:
        """Where the next walk begins; never before this one, so that a quiet shop is not read again and again."""
        begin = max(self.since, self.top - overlap) if self.top else self.since
        return replace(self, since=begin, after=None, top=None)

    @property
    def text(self) -> str:
        """The cursor to store."""
        told = {"since": self.since.isoformat(), "after": self.after, "top": self.top and self.top.isoformat()}
        return msgspec.json.encode({**told, "noted": dict(self.noted or {})}).decode()


def window(asking: Asking) -> Window:
    """Where a poll goes on. A cursor that cannot be read counts as none: what is found twice is stored once."""
    try:
        told = table(msgspec.json.decode(asking.cursor or "{}"))
    except msgspec.DecodeError:
        told = {}
    since = moment(told.get("since"))
    noted = {key: value for key, value in table(told.get("noted")).items() if isinstance(value, str)}
    if since is None:
        return Window(since=asking.since, noted=noted)
    after = told.get("after")
    return Window(
        since=since,
        after=after if isinstance(after, str) and text(after) and len(after) <= LONGEST else None,
        top=moment(told.get("top")),
        noted=noted,
    )
