"""The volume fuse: more messages of one journey in an hour than anybody meant to send. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

CAP = 100_000  # an hour, unless the merchant's settings say otherwise
TIMES = 5  # the busiest hour of the days before
FLOOR = 1_000  # fewer are never too many by comparison
TRAILING = timedelta(days=7)
RECENT = timedelta(hours=24)  # not looked at: else an hour that ran away would make the next one usual
HISTORY = timedelta(hours=48)  # a journey younger than this has no usual volume
NAME = "volume fuse"  # how the reason of its pause begins


def limit(cap: int | None, busiest: int, since: datetime | None, hour: datetime) -> int:
    """How many may be armed in the hour that begins at `hour`. `busiest` is the most in an hour of the
    TRAILING days before it without the RECENT hours, `since` the first hour known."""
    most = cap or CAP
    if since is None or hour - since < HISTORY:
        return most
    return min(most, max(FLOOR, TIMES * busiest))


def reason(armed: int, more: int, most: int, usual: int, waiting: int) -> str:
    """Why the journey is paused, for whoever decides whether it was meant. `more` would have left together and
    passed the limit: nothing of them did, so `armed` may be below it. `waiting` counts them, too."""
    return (
        f"{NAME}: {armed:,} sent within the hour, and {more:,} more at once would have passed the limit of {most:,} "
        f"(busiest hour of the last 7 days, without the last one: {usual:,}); {waiting:,} wait"
    )


def hour_of(now: datetime) -> datetime:
    """The hour that a message armed now is counted in; business time."""
    return now.replace(minute=0, second=0, microsecond=0)
