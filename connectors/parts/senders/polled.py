"""Sources that post nothing: their systems are asked, and a post in their name is never genuine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.contracts import Delivery, Refused, Verified


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Refused, whatever was posted and however it is signed."""
    return Refused(reason="this source is polled: its system posts nothing, and nothing that is posted is taken")


def identify(delivery: Delivery) -> Verified:
    """A recorded answer has neither an id nor a topic of its own: it shows what it is."""
    return Verified(by="nothing")
