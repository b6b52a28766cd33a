"""When a connection usually delivers, learnt from the hours in which it did; and when its silence is unusual.

A shop sleeps at night and a warehouse on Sundays, so hours are compared with the same hours of the weeks before:
an hour counts as missed as far as something usually came in it. A silence is unusual once it has missed more than
twice what any silence of the last four weeks has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
WEEK = 7 * 24
KEPT = 4 * WEEK  # hours
ALL = (1 << KEPT) - 1

SHORTEST = 2 * HOUR  # no silence below that is told
LEAST = 3.0  # hours missed, below which no silence is told
TIMES = 2.0  # as long as the worst there has been
KNOWN = WEEK  # hours of history, below which nothing is usual


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Bit n of `hours` is the hour n before `last`. Both times are full hours, aware."""

    since: datetime
    last: datetime
    hours: int


def heard(rhythm: Rhythm | None, at: datetime) -> Rhythm:
    """The rhythm, with a delivery at `at` in it; older than four weeks changes nothing."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if rhythm is None:
        return Rhythm(since=hour, last=hour, hours=1)
    ahead = (hour - rhythm.last) // HOUR
    if ahead > 0:
        kept = (rhythm.hours << ahead) & ALL if ahead < KEPT else 0
        return Rhythm(since=rhythm.since, last=hour, hours=kept | 1)
    hours = rhythm.hours | (1 << -ahead) if -ahead < KEPT else rhythm.hours
    return Rhythm(since=min(rhythm.since, hour), last=rhythm.last, hours=hours)


def silent(rhythm: Rhythm, at: datetime, now: datetime) -> float | None:
    """How many hours in which something usually comes have passed in silence since the delivery at `at`; None
    while that is nothing unusual."""
    known = min((rhythm.last - rhythm.since) // HOUR + 1, KEPT)
    if now - at < SHORTEST or known <= KNOWN:
        return None
    passed = range(-1, -((now - rhythm.last) // HOUR), -1)  # whole hours after `last`
    missed = sum(_usual(rhythm, hour, known) for hour in passed)
    if missed < LEAST or missed <= TIMES * _worst(rhythm, known):
        return None
    return missed


def _usual(rhythm: Rhythm, hour: int, known: int) -> float:
    """The share of the other weeks we know in which something came at that hour (before `last`; negative after)."""
    others = [(rhythm.hours >> other) & 1 for other in range(hour % WEEK, known, WEEK) if other != hour]
    return sum(others) / len(others) if others else 0.0


def _worst(rhythm: Rhythm, known: int) -> float:
    """The most that any silence between two deliveries has missed."""
    return max((sum(_usual(rhythm, hour, known) for hour in gap) for gap in _gaps(rhythm, known)), default=0.0)


def _gaps(rhythm: Rhythm, known: int) -> Iterator[range]:
    before = 0
    for hour in range(1, known):
        if (rhythm.hours >> hour) & 1:
            if hour - before > 1:
                yield range(before + 1, hour)
            before = hour
