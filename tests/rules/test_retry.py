"""When to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.retry import LONGEST_ASKED, PAUSES, next_try

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@given(st.integers(1, len(PAUSES)), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_and_are_spread(tries: int, chance: float):
    again = next_try(tries, NOW, after=None, chance=chance)
    assert again is not None
    assert PAUSES[tries - 1] * 0.5 <= again - NOW <= PAUSES[tries - 1] * 1.5


def test_a_series_ends():
    assert next_try(len(PAUSES) + 1, NOW, after=None, chance=0.0) is None


@given(st.timedeltas(timedelta(days=-3), timedelta(days=400)), st.integers(1, len(PAUSES)))
def test_a_pause_that_was_asked_for_is_kept_within_reason(after: timedelta, tries: int):
    again = next_try(tries, NOW, after=after, chance=0.0)
    assert again is not None
    assert again - NOW >= min(after, LONGEST_ASKED)
    assert again - NOW <= max(LONGEST_ASKED, PAUSES[tries - 1])
    assert again > NOW
