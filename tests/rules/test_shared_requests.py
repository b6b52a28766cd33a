"""An account that counts requests: those are what a second limits, and messages what a day does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.admission import Known, admit, room
from engine.rules.rate import Bucket, Rate

NOW = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
RATES = st.builds(
    Rate, per_second=st.floats(0.01, 100), burst=st.floats(1, 50), per_day=st.none() | st.integers(1, 500)
)
# Each message's request: some alone, some together, in any order.
ROUNDS = st.lists(st.tuples(st.floats(0, 20), st.lists(st.integers(0, 6), min_size=1, max_size=40)), max_size=12)


@given(RATES, ROUNDS)
def test_no_more_requests_leave_than_the_second_allows_nor_messages_than_the_day(
    rate: Rate, rounds: list[tuple[float, list[int]]]
) -> None:
    known, now, requests, messages = Known(), NOW, 0, 0
    for pause, carried in rounds:
        now += timedelta(seconds=pause)
        admission = admit(known, rate, [False] * len(carried), now, LEASE, carried)
        gone = [request for request, wait in zip(carried, admission.waits, strict=True) if wait is None]
        known, requests, messages = admission.known, requests + len(set(gone)), messages + len(gone)
        late = [wait.until for wait in admission.waits if wait is not None]
        assert all(until >= now for until in late)
        if late and not gone:
            assert room(known, rate, now) == 0
    assert rate.per_second is not None
    assert requests <= rate.burst + rate.per_second * (now - NOW).total_seconds() + 1e-3 * len(rounds)
    assert rate.per_day is None or messages <= rate.per_day


@given(RATES, st.lists(st.booleans(), min_size=1, max_size=40))
def test_messages_that_leave_alone_are_counted_as_ever(rate: Rate, repeats: list[bool]) -> None:
    alone = list(range(-len(repeats), 0))
    assert admit(Known(), rate, repeats, NOW, LEASE, alone) == admit(Known(), rate, repeats, NOW, LEASE)


@given(RATES, st.integers(1, 100))
def test_as_many_are_claimed_as_full_requests_carry(rate: Rate, carried: int) -> None:
    claimed = room(Known(), rate, NOW, carried)
    assert claimed is not None
    requests = [place // carried for place in range(claimed)]
    waits = admit(Known(), rate, [False] * claimed, NOW, LEASE, requests).waits
    assert waits == [None] * claimed


def test_those_of_one_request_wait_for_the_same_moment() -> None:
    rate, spent = Rate(per_second=1, burst=2), Known(bucket=Bucket(tokens=1, filled_at=NOW))
    waits = admit(spent, rate, [False] * 6, NOW, LEASE, [1, 1, 2, 2, 3, 3]).waits
    assert waits[:2] == [None, None]
    assert [wait.until - NOW for wait in waits[2:] if wait] == [timedelta(seconds=n) for n in (1, 1, 2, 2)]
