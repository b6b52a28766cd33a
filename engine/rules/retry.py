"""When a message is tried again, as data: one that was surely not taken, and one of which nobody knows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

# Full jitter is drawn around these; the message's own expiry ends the series before its last entry does.
PAUSES = (
    timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10),
    timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5), timedelta(hours=10),
)  # fmt: skip
LONGEST_ASKED = timedelta(hours=24)  # a provider's Retry-After beyond this is cut
RECEIPTS = timedelta(minutes=10)  # what a receipt is given to settle an unknown before `retry_once` repeats it
FREE: frozenset[str] = frozenset({"rate", "quota", "account"})  # the message was not at fault: no try of its own
AGAIN_AT_LEAST = timedelta(minutes=30)  # such a message is tried this often
SHARE, AT_LEAST = 10, 10  # while an account fails: one repeat in ten first tries, but ten a window

OnUnknown = Literal["park", "retry_once"]


def next_try(tries: int, now: datetime, *, after: timedelta | None, chance: float) -> datetime | None:
    """When to try again after `tries` tries, or None to give up. `chance` in [0, 1) is the jitter;
    `after` is the pause the provider asked for, which is a lower bound; a negative one was not meant."""
    if tries > len(PAUSES):
        return None
    pause = PAUSES[max(tries, 1) - 1] * (0.5 + chance)
    if after is not None and after >= timedelta(0):
        pause = max(pause, min(max(after, timedelta(seconds=1)), LONGEST_ASKED))
    return now + pause


def step_back(pause: timedelta, tries: int) -> timedelta:
    """The pause of a message after whose try its account was held for `pause`. It goes behind the others, further
    every time: perhaps it is what the provider refuses, and whoever is tried first speaks for all."""
    return max(pause, min(PAUSES[min(max(tries, 1), len(PAUSES)) - 1], AGAIN_AT_LEAST))


def spread(pause: timedelta, chance: float) -> timedelta:
    """The pause of one message of a crowd that was held up together: up to a quarter longer, 30 s at most."""
    return pause + min(pause / 4, timedelta(seconds=30)) * chance


def repeats_left(tries: int, repeats: int) -> int:
    """How many repeats an account's open window still allows, of its `tries` so far and the `repeats` among them."""
    return max(AT_LEAST, max(tries - repeats, 0) // SHARE) - repeats


def may_repeat(
    policy: OnUnknown, unknowns: int, since: datetime, now: datetime, *, window: timedelta, lease: timedelta
) -> bool:
    """May a message leave again of which `unknowns` attempts, the first at `since`, may have been taken?

    A channel that knows our key again takes it twice without harm while the key is remembered; a lease before
    the end of that `window` it is too late, because the attempt itself may be slow. Without a key it is the
    step's own choice, and once (reliability: P4).
    """
    if window > timedelta(0):
        return now - since < window - lease
    return policy == "retry_once" and unknowns <= 1
