"""How fast an account may send: a token bucket and a day's volume, as pure functions on a value.

All times are real time: a provider counts by its own clock, however fast business time runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from math import floor
from typing import Any

ASTRAY = timedelta(minutes=1)  # a bucket filled later than this from now was filled by a clock that was wrong
EDGE = 1e-6  # of a token: 0.1 s at ten a second is a whole one

# Settings that every channel's connection takes, beside the channel's own schema.
SETTINGS: Mapping[str, Any] = {
    "per_second": {
        "title": "messages a second at most, as 14 or 0.5",
        "pattern": r"^(?=.*[1-9])\d{1,6}(\.\d{1,3})?$",
    },
    "burst": {"title": "how many may leave at once after a quiet while, as 20", "pattern": r"^[1-9]\d{0,6}$"},
    "per_day": {"title": "messages a day (UTC) at most, as 50000", "pattern": r"^[1-9]\d{0,8}$"},
    "stands_in": {"title": "yes: used only while the channel of the same medium is held", "enum": ["yes"]},
}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What an account may send. Without `per_second` only the day counts."""

    per_second: float | None = None
    burst: float = 1.0
    per_day: int | None = None


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """`tokens` as they were at `filled_at`; `used` since `day`, the start of a day in UTC. A new one is full."""

    tokens: float = 0.0
    filled_at: datetime | None = None
    day: datetime | None = None
    used: int = 0


def rate_of(config: Mapping[str, str], default: float | None = None) -> Rate | None:
    """The rate that a connection's settings ask for, else the channel's own `default` a second; None: no limit."""
    return _rate(config.get("per_second"), config.get("burst"), config.get("per_day"), default)


@lru_cache(maxsize=1024)
def _rate(per_second: str | None, burst: str | None, per_day: str | None, default: float | None) -> Rate | None:
    speed = float(per_second) if per_second else default
    if speed is None and not per_day:
        return None
    most = float(burst) if burst else max(1.0, speed or 1.0)
    return Rate(per_second=speed, burst=max(1.0, most), per_day=int(per_day) if per_day else None)


def tokens(bucket: Bucket, rate: Rate, now: datetime) -> float:
    """What the bucket holds by now; a clock that goes back adds nothing."""
    if rate.per_second is None or bucket.filled_at is None:
        return rate.burst
    filled_at = now if bucket.filled_at > now + ASTRAY else bucket.filled_at
    passed = max((now - filled_at).total_seconds(), 0.0)
    return min(rate.burst, bucket.tokens + passed * rate.per_second)


def left_today(bucket: Bucket, rate: Rate, now: datetime) -> int | None:
    """How many the day still allows; None when it has no limit."""
    if rate.per_day is None:
        return None
    return max(rate.per_day - (bucket.used if bucket.day == day_of(now) else 0), 0)


def available(bucket: Bucket, rate: Rate, now: datetime, carried: int = 1) -> int | None:
    """How many messages may leave now, `carried` of them by one request; None when only the day is limited and that has
    no limit either."""
    today, ready = left_today(bucket, rate, now), requests(bucket, rate, now)
    if ready is None:
        return today
    return ready * carried if today is None else min(ready * carried, today)


def requests(bucket: Bucket, rate: Rate, now: datetime) -> int | None:
    """How many requests may leave now, whatever the day says; None: as many as you like."""
    return max(floor(tokens(bucket, rate, now) + EDGE), 0) if rate.per_second is not None else None


def taken(bucket: Bucket, rate: Rate, count: int, now: datetime, requests: int | None = None) -> Bucket:
    """The bucket after `count` messages that were available have left it, by so many requests; without a number each by
    its own."""
    day = day_of(now)
    used = (bucket.used if bucket.day == day else 0) + count
    if rate.per_second is None:
        return replace(bucket, day=day, used=used)
    behind = bucket.filled_at is not None and now < bucket.filled_at <= now + ASTRAY
    filled_at = bucket.filled_at if behind else now
    left = tokens(bucket, rate, now) - (count if requests is None else requests)
    return Bucket(tokens=max(left, 0.0), filled_at=filled_at, day=day, used=used)


def given_back(bucket: Bucket, count: int, now: datetime) -> Bucket:
    """The bucket after `count` messages that had left it have surely not left the house: they are none of the day's.
    What a second allows is not given back: the provider may have counted the request."""
    return replace(bucket, used=max(bucket.used - count, 0)) if bucket.day == day_of(now) else bucket


def ready_at(bucket: Bucket, rate: Rate, place: int, now: datetime) -> datetime:
    """When the message that is `place`-th in line (counted from 1) may leave, if nobody else comes before it."""
    if left_today(bucket, rate, now) == 0:
        return day_of(now) + timedelta(days=1)
    if rate.per_second is None:
        return now
    missing = max(place - tokens(bucket, rate, now), 0.0)
    return now + timedelta(seconds=missing / rate.per_second)


def day_of(now: datetime) -> datetime:
    """The start of the day in UTC; `now` is in UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
