"""Which messages an account takes now, and when the others may come again. Pure; times are real time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from engine.rules import rate as bucket_of
from engine.rules.breaker import LONGEST, WINDOW, Account, counting, stance, well
from engine.rules.rate import Bucket, Rate
from engine.rules.retry import repeats_left

LOOK_AGAIN = timedelta(seconds=5)  # while somebody tries whether the account works


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that is kept of an account."""

    account: Account = field(default_factory=Account)
    bucket: Bucket = field(default_factory=Bucket)


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Not now: when, and why, with the values that led to it."""

    until: datetime
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Admission:
    """For each message asked about, None when it may leave; what is to be kept of the account; and whether the
    one that may leave tries for all."""

    waits: Sequence[Wait | None]
    known: Known
    probe: bool = False


def unhindered(known: Known, rate: Rate | None, repeats: Sequence[bool], now: datetime) -> bool:
    """May all of them leave without anything being counted? So it is for an account that works."""
    closed = stance(known.account, now) == "closed"
    return rate is None and closed and (known.account.window_at is None or not any(repeats))


def room(known: Known, rate: Rate | None, now: datetime, carried: int = 1) -> int | None:
    """How many messages the account takes now, `carried` by one request; None: nothing is known that limits it."""
    match stance(known.account, now):
        case "held" | "probing":
            return 0
        case "probe":
            return 1 if rate is None or bucket_of.available(known.bucket, rate, now) != 0 else 0
        case "closed":
            return None if rate is None else bucket_of.available(known.bucket, rate, now, carried)


def admit(
    known: Known, rate: Rate | None, repeats: Sequence[bool], now: datetime, lease: timedelta,
    requests: Sequence[int] | None = None,
) -> Admission:  # fmt: skip
    """Decide about messages in the order given; `repeats` tells which of them have been tried before, `requests` by
    which request each leaves, where several share one: a second's limit counts those, a day's the messages.

    Whoever tries whether a held account works again has `lease` to say so.
    """
    account = known.account
    match stance(account, now):
        case "held":
            return Admission(waits=[_held(account)] * len(repeats), known=known)
        case "probing":
            wait = Wait(until=now + LOOK_AGAIN, reason=f"one message tries the account, held for {account.held_for}")
            return Admission(waits=[wait] * len(repeats), known=known)
        case "probe":
            return _probe(known, rate, len(repeats), now, lease)
        case "closed":
            return _closed(known, rate, repeats, requests or range(len(repeats)), now)


def given_back(known: Known, rate: Rate, count: int, now: datetime) -> Known:
    """What is kept of an account after `count` of its messages have surely not left: a day that was spent may have
    room again."""
    account, bucket = known.account, bucket_of.given_back(known.bucket, count, now)
    if account.held_reason == _spent_by(rate) and bucket_of.left_today(bucket, rate, now):
        account = Account(trips=account.trips)
    return Known(account=account, bucket=bucket)


def _held(account: Account) -> Wait:
    if account.held_until is None:
        raise TypeError("an account is held for no time")
    values = {"held_for": account.held_for, "held_until": account.held_until.isoformat(), "trips": account.trips}
    return Wait(
        until=account.held_until, values=values,
        reason=f"the account is held ({account.held_for}): {account.held_reason or 'no reason given'}",
    )  # fmt: skip


def _probe(known: Known, rate: Rate | None, count: int, now: datetime, lease: timedelta) -> Admission:
    admitted = _closed(replace(known, account=Account()), rate, [False], [0], now)
    if admitted.waits[0] is not None:
        return Admission(waits=[admitted.waits[0]] * count, known=known)
    wait = Wait(until=now + LOOK_AGAIN, reason="another message tries the account first")
    account = replace(known.account, probing_until=now + lease)
    waits = [None, *[wait] * (count - 1)]
    return Admission(waits=waits, known=Known(account=account, bucket=admitted.known.bucket), probe=True)


def _closed(
    known: Known, rate: Rate | None, repeats: Sequence[bool], requests: Sequence[int], now: datetime
) -> Admission:
    account, bucket = known.account, known.bucket
    if account.window_at is not None and not counting(account, now):
        # The minute is over: nothing failed in it, or the budget of the next one begins.
        account = Account() if well(account) else replace(account, window_at=now, tries=0, failures=0, repeats=0)
    budget = repeats_left(account.tries, account.repeats) if account.window_at is not None else None
    free = bucket_of.requests(bucket, rate, now) if rate is not None else None
    today = bucket_of.left_today(bucket, rate, now) if rate is not None else None
    waits: list[Wait | None] = []
    leaving, late = set[int](), set[int]()
    gone = again = 0
    for repeat, request in zip(repeats, requests, strict=True):
        spent = today is not None and gone >= today
        if repeat and budget is not None and again >= budget:
            waits.append(_too_many(account, now))
        elif rate is not None and (spent or (free is not None and request not in leaving and len(leaving) >= free)):
            late.add(request)
            waits.append(_too_fast(bucket, rate, len(leaving) + len(late), now))
        else:
            leaving.add(request)
            gone, again = gone + 1, again + repeat
            waits.append(None)
    if budget is not None:
        account = replace(account, repeats=account.repeats + again)
    if rate is not None:
        bucket = bucket_of.taken(bucket, rate, gone, now, len(leaving))
        if bucket_of.left_today(bucket, rate, now) == 0:
            account = _spent(account, rate, bucket, now)
    return Admission(waits=waits, known=Known(account=account, bucket=bucket))


def _too_many(account: Account, now: datetime) -> Wait:
    until = (account.window_at or now) + WINDOW
    values = {"repeats": account.repeats, "tries": account.tries, "failures": account.failures}
    return Wait(
        until=until, reason="its account fails and repeats are limited to a tenth of first tries", values=values
    )


def _too_fast(bucket: Bucket, rate: Rate, place: int, now: datetime) -> Wait:
    values = {"per_second": rate.per_second, "burst": rate.burst, "per_day": rate.per_day}
    until = min(bucket_of.ready_at(bucket, rate, place, now), now + LONGEST)
    return Wait(until=until, reason="its account sends as fast as it may", values=values)


def _spent(account: Account, rate: Rate, bucket: Bucket, now: datetime) -> Account:
    """The day's own volume is spent: as if the provider had said so."""
    until = bucket_of.ready_at(bucket, rate, 1, now)
    return Account(held_until=until, held_for="quota", held_reason=_spent_by(rate), trips=account.trips)


def _spent_by(rate: Rate) -> str:
    return f"per_day={rate.per_day} is spent"
