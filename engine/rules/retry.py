"""When a message that was surely not taken is tried again, as data."""

from __future__ import annotations

from datetime import datetime, timedelta

# Full jitter is drawn around these; the message's own expiry ends the series before its last entry does.
PAUSES = (
    timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10),
    timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5), timedelta(hours=10),
)  # fmt: skip
LONGEST_ASKED = timedelta(hours=24)  # a provider's Retry-After beyond this is cut


def next_try(tries: int, now: datetime, *, after: timedelta | None, chance: float) -> datetime | None:
    """When to try again after `tries` tries, or None to give up. `chance` in [0, 1) is the jitter;
    `after` is the pause the provider asked for, which is a lower bound."""
    if tries > len(PAUSES):
        return None
    pause = PAUSES[max(tries, 1) - 1] * (0.5 + chance)
    if after is not None:
        pause = max(pause, min(max(after, timedelta(seconds=1)), LONGEST_ASKED))
    return now + pause
