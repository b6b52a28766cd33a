"""When silence is unusual, learnt from a connection's own hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.rhythm import KEPT, SHORTEST, Rhythm, heard, silent

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def weeks(hours, count=4, start=MONDAY) -> tuple[Rhythm, datetime]:
    """A rhythm of `count` weeks with a delivery in those hours of each week; and the last delivery."""
    rhythm, last = None, start
    for hour in range(count * 168):
        if hour % 168 in hours:
            last = start + hour * HOUR + timedelta(minutes=20)
            rhythm = heard(rhythm, last)
    assert rhythm is not None
    return rhythm, last


ALWAYS = frozenset(range(168))
OFFICE = frozenset(day * 24 + hour for day in range(5) for hour in range(9, 18))  # Monday to Friday
DAILY = frozenset(day * 24 + 3 for day in range(7))


def told_after(rhythm: Rhythm, last: datetime) -> timedelta:
    """How long after the last delivery silence is told of, to the hour."""
    return next(hours * HOUR for hours in range(2, 2_000) if silent(rhythm, last, last + hours * HOUR) is not None)


@pytest.mark.parametrize(
    ("hours", "soonest", "latest"),
    [
        (ALWAYS, timedelta(hours=3), timedelta(hours=5)),  # something every hour
        (OFFICE, timedelta(hours=60), timedelta(hours=72)),  # Friday 17:20: the weekend is silent, Monday is not
        (DAILY, timedelta(days=3), timedelta(days=3, hours=2)),  # a file a day: three of them are missing
    ],
)
def test_silence_is_told_when_something_usually_comes(hours, soonest, latest):
    rhythm, last = weeks(hours)
    assert soonest <= told_after(rhythm, last) <= latest


def test_a_night_is_no_silence():
    shop = frozenset(day * 24 + hour for day in range(7) for hour in range(8, 23))
    rhythm, last = weeks(shop)
    assert silent(rhythm, last, last + timedelta(hours=9)) is None
    assert silent(rhythm, last, last + timedelta(hours=14)) is not None


def test_an_irregular_connection_is_not_nagged_about():
    """Now and then an hour, never the same: only its own longest silence twice over is unusual."""
    rhythm, last, at = None, MONDAY, MONDAY
    for n in range(80):
        at += ((n * 7) % 17 + 1) * HOUR
        rhythm, last = heard(rhythm, at), at
    assert rhythm is not None
    longest = timedelta(hours=17)
    assert silent(rhythm, last, last + longest) is None
    assert silent(rhythm, last, last + timedelta(days=20)) is not None


def test_little_history_tells_nothing():
    rhythm, last = weeks(ALWAYS, count=1)
    assert silent(rhythm, last, last + timedelta(days=3)) is None
    assert silent(heard(None, MONDAY), MONDAY, MONDAY + timedelta(days=90)) is None


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=60), st.randoms())
def test_the_order_in_which_hours_are_heard_changes_nothing_within_what_is_kept(hours, random):
    hours = [hour for hour in hours if max(hours) - hour < KEPT]
    shuffled = random.sample(hours, len(hours))
    one = other = None
    for first, second in zip(hours, shuffled, strict=True):
        one, other = heard(one, MONDAY + first * HOUR), heard(other, MONDAY + second * HOUR)
    assert one == other
    assert one is not None
    assert {max(hours) - n for n in range(KEPT) if (one.hours >> n) & 1} == set(hours)


@given(st.sets(st.integers(0, 167), min_size=1), st.integers(2, 5), st.integers(0, 400), st.integers(0, 200))
def test_a_silence_once_unusual_stays_so_and_short_ones_never_are(hours, count, one, more):
    rhythm, last = weeks(hours, count)
    now = last + one * HOUR
    missed = silent(rhythm, last, now)
    assert missed is None or now - last >= SHORTEST
    if missed is not None:
        assert silent(rhythm, last, now + more * HOUR) >= missed
