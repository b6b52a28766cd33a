"""Why we may write to somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

# channels.md: transactional (performance notices), adjacent (the same with a small offer), service
# (review requests, surveys), promotional (reorder, cross-sell). Decides consent, one-click headers,
# quiet hours, caps and retry policy.
Purpose = Literal["transactional", "adjacent", "service", "promotional"]

Scope = Literal["all", "service", "promotional"]  # what a suppression of an endpoint covers

# Purposes that a customer can switch off, and that carry List-Unsubscribe with one click (RFC 8058).
OPTIONAL: frozenset[str] = frozenset({"service", "promotional"})

ANY = "any"  # the channel of a consent that holds for every medium


class Agreed(Struct, frozen=True, kw_only=True):
    """One record of what a person has agreed to or taken back."""

    purpose: str
    channel: str  # a medium, or ANY
    granted: bool
    at: datetime
    expires_at: datetime | None = None


Lane = Literal["transactional", "service"]
LANES: tuple[Lane, ...] = ("transactional", "service")  # by number, as queues and figures name them


def lane(purpose: str) -> int:
    """Which of LANES a message waits in: 0 for what must arrive now, 1 for what a person may choose not to get, so
    that a million review requests never delay one shipping notice."""
    return 1 if purpose in OPTIONAL else 0
