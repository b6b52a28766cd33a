"""When somebody must see to credentials that run out. Tokens that a conversation renews by itself are not theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

SOON, LAST = timedelta(days=14), timedelta(days=3)
RENEWED = frozenset({"access_token"})  # by the next request that finds it used up


@dataclass(frozen=True, kw_only=True)
class Expiring:
    """A credential that runs out at `at` (aware), or has. `stage`: "soon", then "last"."""

    name: str
    at: datetime
    stage: Literal["soon", "last"]


def expiring(until: Mapping[str, tuple[datetime, datetime]], now: datetime) -> list[Expiring]:
    """Of credentials as a connection keeps them (name -> when, since when): those that run out within 14 and within 3
    days. One with a short life, which is renewed again and again, only in the last half and quarter of it."""
    found = []
    for name, (at, since) in sorted(until.items()):
        left, life = at - now, at - since
        if name in RENEWED or left > min(SOON, life / 2):
            continue
        found.append(Expiring(name=name, at=at, stage="last" if left <= min(LAST, life / 4) else "soon"))
    return found
