"""Was it a person who followed a link?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

# Several links of one message within so little time: a gateway looks where they lead.
TOGETHER = timedelta(seconds=3)
_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")  # browsers say so when they fetch a page beforehand


def by_machine(
    method: str, headers: Mapping[str, str], now: datetime, others: Sequence[datetime], *, known: bool
) -> bool:
    """`others`: when other links of the message were followed. `known`: the user agent or the time since it was sent
    tell of a machine. Headers by their names in lower case."""
    if known or method != "GET" or not headers.get("user-agent", "").strip():
        return True
    if any(word in headers.get(name, "").lower() for name in _AHEAD for word in ("prefetch", "preview", "prerender")):
        return True
    return any(abs(now - at) <= TOGETHER for at in others)
