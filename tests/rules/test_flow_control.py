"""Token bucket, breaker, admission, retry budget and fuse: what holds whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.contracts import Accepted, Ambiguous, Deferred, Rejected
from engine.rules import rate as bucket_of
from engine.rules.admission import Known, admit, room, unhindered
from engine.rules.breaker import LONGEST, OPEN, OPEN_LONGEST, QUOTA, RATE, SAMPLES, WINDOW, Account, learned, stance
from engine.rules.fuse import CAP, FLOOR, HISTORY, limit
from engine.rules.rate import Bucket, Rate, rate_of
from engine.rules.retry import AT_LEAST, FREE, may_repeat, repeats_left, spread

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
DOWN = Deferred(scope="provider", code="503")
OUTCOMES = st.sampled_from([
    Accepted(), DOWN, Ambiguous(reason="cut"), Rejected(scope="recipient", code="550"),
    Rejected(scope="message", code="400"), Deferred(scope="recipient", code="4.2.2"),
    Deferred(scope="rate", code="429", after=timedelta(seconds=7)), Deferred(scope="quota", code="429"),
    Rejected(scope="account", code="401"), Deferred(scope="rate", code="429", after=timedelta(days=-9)),
])  # fmt: skip
STEPS = st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(minutes=3)), OUTCOMES), max_size=80)
RATES = st.builds(
    Rate, per_second=st.floats(0.01, 1000), burst=st.floats(1, 500), per_day=st.none() | st.integers(1, 500)
)


class TestBucket:
    @given(RATES, st.lists(st.tuples(st.floats(0, 30), st.integers(0, 300)), max_size=60))
    def test_never_more_leave_than_burst_and_rate_allow(self, rate: Rate, asks: list[tuple[float, int]]):
        bucket, now, left = Bucket(), NOW, 0
        for pause, wanted in asks:
            now += timedelta(seconds=pause)
            free = bucket_of.available(bucket, rate, now)
            assert free is not None
            gone = min(free, wanted)
            bucket = bucket_of.taken(bucket, rate, gone, now)
            left += gone
        assert left <= rate.burst + rate.per_second * (now - NOW).total_seconds() + 1e-3 * len(asks)
        if rate.per_day is not None and now.date() == NOW.date():
            assert left <= rate.per_day

    @given(RATES, st.integers(1, 40))
    def test_whoever_is_told_when_to_come_finds_a_token_then(self, rate: Rate, place: int):
        assume(place <= rate.burst)
        empty = bucket_of.taken(Bucket(), rate, bucket_of.available(Bucket(), rate, NOW) or 0, NOW)
        at = bucket_of.ready_at(empty, rate, place, NOW) + timedelta(milliseconds=1)
        free = bucket_of.available(empty, rate, at)
        assert free is not None
        assert free >= min(place, bucket_of.left_today(empty, rate, at) or place) or rate.per_day is not None

    @given(RATES, st.timedeltas(timedelta(seconds=-30), timedelta(seconds=30)))
    def test_clocks_that_differ_give_nothing_away(self, rate: Rate, skew: timedelta):
        rate = replace(rate, per_day=None)
        bucket = bucket_of.taken(Bucket(), rate, int(rate.burst), NOW)
        assume((skew.total_seconds() * rate.per_second) < rate.burst)
        there = bucket_of.taken(bucket, rate, 0, NOW + skew)
        back = bucket_of.tokens(there, rate, NOW)
        assert back <= bucket_of.tokens(bucket, rate, max(NOW, NOW + skew)) + 1e-6

    def test_a_clock_that_was_days_ahead_does_not_stop_the_account(self):
        rate = Rate(per_second=1, burst=5)
        ahead = bucket_of.taken(Bucket(), rate, 5, NOW + timedelta(days=3))
        here = bucket_of.taken(ahead, rate, 0, NOW)
        assert bucket_of.available(here, rate, NOW + timedelta(seconds=5)) == 5

    def test_the_day_begins_anew_in_utc(self):
        rate = Rate(per_day=3)
        spent = bucket_of.taken(Bucket(), rate, 3, NOW)
        assert bucket_of.available(spent, rate, NOW) == 0
        midnight = bucket_of.ready_at(spent, rate, 1, NOW)
        assert (midnight.hour, midnight.date()) == (0, NOW.date() + timedelta(days=1))
        assert bucket_of.available(spent, rate, midnight) == 3

    def test_settings_are_texts_and_a_channel_has_its_own_rate(self):
        assert rate_of({}) is None
        assert rate_of({}, 5.0) == Rate(per_second=5.0, burst=5.0)
        assert rate_of({"per_second": "0.5", "per_day": "200"}, 5.0) == Rate(per_second=0.5, burst=1.0, per_day=200)
        assert rate_of({"burst": "9"}, 2.0) == Rate(per_second=2.0, burst=9.0)


class TestBreaker:
    @given(STEPS)
    def test_a_hold_always_ends(self, steps):
        account, now = Account(), NOW
        for pause, outcome in steps:
            now += pause
            account = learned(account, [(outcome, False)], now)
        assert stance(account, now + LONGEST) != "held"
        # Whoever tries then and gets through has closed it.
        assert stance(learned(account, [(Accepted(), True)], now + LONGEST), now + LONGEST) == "closed"

    @given(STEPS, st.timedeltas(LONGEST, timedelta(days=400)))
    def test_a_clock_that_was_days_ahead_cannot_hold_for_ever(self, steps, ahead):
        account = Account()
        for _, outcome in steps:
            account = learned(account, [(outcome, False)], NOW + ahead)
        if account.held_until is not None:
            assert stance(account, NOW) == "probe"  # and whoever tries takes the wrong hold back
            assert learned(account, [(Accepted(), True)], NOW) == Account()

    @given(st.lists(st.booleans(), min_size=1, max_size=120))
    def test_it_opens_when_half_of_at_least_twenty_failed_and_not_before(self, fails: list[bool]):
        account, counted, failures = Account(), 0, 0
        for fail in fails:
            account = learned(account, [(DOWN if fail else Accepted(), False)], NOW)
            if failures or fail:  # the window begins with the first failure
                counted, failures = counted + 1, failures + fail
            should = fail and counted >= SAMPLES and failures * 2 >= counted
            assert (stance(account, NOW) == "held") is should
            if should:
                return

    def test_failures_of_another_minute_do_not_count(self):
        account = Account()
        for n in range(60):
            account = learned(account, [(DOWN, False)], NOW + n * WINDOW / 10)
        assert account.held_until is None

    def test_a_person_who_is_not_there_says_nothing_about_the_account(self):
        gone = [(Rejected(scope="recipient", code="550"), False)] * 100
        assert learned(Account(), gone, NOW) == Account()

    def test_every_trip_in_a_row_is_twice_as_long_up_to_ten_minutes(self):
        account, now, spans = learned(Account(), [(DOWN, False)] * SAMPLES, NOW), NOW, []
        for _ in range(8):
            assert account.held_until is not None
            spans.append(account.held_until - now)
            now = account.held_until
            assert stance(account, now) == "probe"
            account = learned(account, [(DOWN, True)], now)
        assert spans == [min(OPEN * 2**n, OPEN_LONGEST) for n in range(8)]
        assert learned(account, [(Accepted(), True)], now) == Account()

    def test_what_comes_back_late_neither_opens_it_again_nor_closes_it(self):
        account = learned(Account(), [(DOWN, False)] * SAMPLES, NOW)
        late = learned(account, [(DOWN, False)] * 50 + [(Accepted(), False)] * 5, NOW + SECOND)
        assert (late.held_until, late.trips) == (account.held_until, 1)

    @pytest.mark.parametrize(
        ("after", "span"),
        [(None, RATE), (timedelta(seconds=-5), RATE), (timedelta(0), SECOND), (90 * SECOND, 90 * SECOND),
         (timedelta(seconds=10**9), LONGEST)],
    )  # fmt: skip
    def test_retry_after_is_kept_within_reason(self, after, span):
        account = learned(Account(), [(Deferred(scope="rate", code="429", after=after), False)], NOW)
        assert (account.held_until, account.held_for) == (NOW + span, "rate")
        assert stance(account, NOW + span) == "closed"  # nothing is broken: nobody has to try first

    def test_a_longer_hold_is_not_cut_short_by_a_late_answer(self):
        account = learned(Account(), [(Deferred(scope="quota", code="q", after=timedelta(hours=5)), False)], NOW)
        later = learned(account, [(Deferred(scope="rate", code="429"), False)], NOW + SECOND)
        assert later == account

    def test_a_spent_quota_without_a_reset_is_asked_after_every_hour_two_four(self):
        account, now = learned(Account(), [(Deferred(scope="quota", code="q"), False)], NOW), NOW
        for n in range(7):
            assert account.held_until == now + min(QUOTA * 2**n, LONGEST)
            now = account.held_until
            account = learned(account, [(Deferred(scope="quota", code="q"), True)], now)

    def test_refused_credentials_hold_at_once_and_count_once(self):
        account = learned(Account(), [(Rejected(scope="account", code="401"), False)] * 20, NOW)
        assert (account.held_for, account.trips, account.held_until) == ("account", 1, NOW + OPEN)


class TestAdmission:
    @given(st.lists(st.booleans(), min_size=1, max_size=100), RATES)
    def test_no_more_are_let_through_than_there_is_room_for(self, repeats, rate):
        known = Known()
        free = room(known, rate, NOW)
        admission = admit(known, rate, repeats, NOW, LEASE)
        assert free is not None
        assert admission.waits.count(None) == min(free, len(repeats))
        assert all(wait is None or wait.until >= NOW for wait in admission.waits)

    @given(st.lists(st.booleans(), min_size=2, max_size=50))
    def test_one_message_tries_an_account_and_nobody_else_while_it_does(self, repeats):
        held = learned(Account(), [(DOWN, False)] * SAMPLES, NOW)
        then = NOW + OPEN
        first = admit(Known(account=held), None, repeats, then, LEASE)
        assert (first.waits.count(None), first.probe) == (1, True)
        second = admit(first.known, None, repeats, then + SECOND, LEASE)
        assert (second.waits.count(None), second.probe) == (0, False)
        assert room(first.known, None, then + SECOND) == 0
        assert admit(first.known, None, repeats, then + LEASE, LEASE).probe  # whoever tried is gone

    def test_repeats_are_a_tenth_while_the_window_is_open(self):
        account = learned(Account(), [(DOWN, False)] + [(Accepted(), False)] * 299, NOW)
        assert not unhindered(Known(account=account), None, [True], NOW)
        assert unhindered(Known(account=account), None, [False], NOW)
        admission = admit(Known(account=account), None, [True, False] * 50, NOW, LEASE)
        gone = [repeat for repeat, wait in zip([True, False] * 50, admission.waits, strict=True) if wait is None]
        assert (gone.count(True), gone.count(False)) == (30, 50)
        again = admit(admission.known, None, [True], NOW, LEASE)
        assert again.waits[0] is not None

    def test_a_new_minute_has_a_budget_of_its_own_until_something_succeeds(self):
        account = learned(Account(), [(DOWN, False)], NOW)
        later = NOW + 2 * WINDOW
        admission = admit(Known(account=account), None, [True] * 30, later, LEASE)
        assert admission.waits.count(None) == AT_LEAST
        assert learned(admission.known.account, [(Accepted(), False)], later + WINDOW) == Account()

    def test_once_nothing_fails_any_more_repeats_are_free(self):
        account, now = learned(Account(), [(DOWN, False)], NOW), NOW + 2 * WINDOW
        first = admit(Known(account=account), None, [True] * 30, now, LEASE)
        told = learned(first.known.account, [(Accepted(), False)] * AT_LEAST, now)
        assert admit(Known(account=told), None, [True] * 30, now, LEASE).waits.count(None) == 0
        after = admit(Known(account=told), None, [True] * 30, now + WINDOW, LEASE)
        assert after.waits.count(None) == 30
        assert learned(told, [(Accepted(), False)] * AT_LEAST, now) == Account()  # twenty tries say so sooner

    def test_a_spent_day_holds_the_account_like_a_quota(self):
        admission = admit(Known(), Rate(per_day=3), [False] * 5, NOW, LEASE)
        assert admission.waits.count(None) == 3
        assert (admission.known.account.held_for, room(admission.known, Rate(per_day=3), NOW)) == ("quota", 0)

    def test_an_account_that_works_is_unhindered(self):
        assert unhindered(Known(), None, [True, False], NOW)
        assert room(Known(), None, NOW) is None


class TestRepeats:
    @given(st.integers(0, 10_000), st.integers(0, 10_000))
    def test_the_budget_is_a_tenth_of_first_tries_but_ten(self, first, repeats):
        left = repeats_left(first + repeats, repeats)
        assert repeats + left == max(AT_LEAST, first // 10)

    @given(st.integers(1, 5), st.timedeltas(timedelta(0), timedelta(days=3)))
    def test_without_a_key_nothing_is_repeated_unless_the_step_asks_and_then_once(self, unknowns, age):
        ask = {"window": timedelta(0), "lease": LEASE}
        assert not may_repeat("park", unknowns, NOW, NOW + age, **ask)
        assert may_repeat("retry_once", unknowns, NOW, NOW + age, **ask) is (unknowns == 1)

    @given(st.timedeltas(timedelta(0), timedelta(days=3)), st.sampled_from(["park", "retry_once"]))
    def test_a_key_is_good_until_a_lease_before_it_is_forgotten(self, age, policy):
        window = timedelta(hours=24)
        assert may_repeat(policy, 3, NOW, NOW + age, window=window, lease=LEASE) is (age < window - LEASE)

    @given(st.timedeltas(SECOND, LONGEST), st.floats(0, 1, exclude_max=True))
    def test_a_crowd_is_spread_and_nobody_comes_early(self, pause, chance):
        assert pause <= spread(pause, chance) <= pause + timedelta(seconds=30)

    def test_what_concerns_the_account_is_no_try(self):
        assert {"rate", "quota", "account"} == FREE


class TestFuse:
    @given(st.none() | st.integers(1, 10**6), st.integers(0, 10**6), st.timedeltas(timedelta(0), timedelta(days=30)))
    def test_the_limit_lies_between_the_floor_and_the_cap(self, cap, busiest, known):
        found = limit(cap, busiest, NOW - known, NOW)
        assert found <= (cap or CAP)
        assert found >= min(cap or CAP, FLOOR)
        if known < HISTORY:
            assert found == (cap or CAP)
        elif busiest * 5 >= FLOOR:
            assert found == min(cap or CAP, busiest * 5)

    def test_a_new_journey_has_only_the_cap(self):
        assert limit(None, 0, None, NOW) == CAP
