"""How an account at a provider stands, from what becomes of its attempts: held for a while, open, tried again.

A window opens with the first failure and counts everything for a minute; when half of it failed, the breaker
opens. After that one message tries whether the account works again, while the others stay planned. What a
provider says of the whole account (too fast, volume spent, credentials refused) holds it at once. Pure: times
are real time, and a hold never lasts longer than LONGEST, so that a clock that was wrong cannot hold for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from engine.contracts import Accepted, Ambiguous, Deferred, Outcome, Rejected

WINDOW = timedelta(seconds=60)
SAMPLES = 20  # fewer say nothing about an account
SHARE = 0.5  # of them failed: it opens
OPEN, OPEN_LONGEST = timedelta(seconds=30), timedelta(minutes=10)  # doubled every time it opens again
RATE = timedelta(seconds=30)  # where the provider names no pause
QUOTA = timedelta(hours=1)  # the same for a spent volume; doubled up to a day
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=24)  # of what a provider may ask for

Stance = Literal["closed", "held", "probing", "probe"]
WHOLE: frozenset[str] = frozenset({"rate", "quota", "account"})  # scopes that speak of the whole account at once


@dataclass(frozen=True, kw_only=True)
class Account:
    """What is known against an account; a new one has nothing."""

    held_until: datetime | None = None
    held_for: str | None = None  # rate | quota | account | provider (the breaker)
    held_reason: str | None = None
    trips: int = 0
    probing_until: datetime | None = None
    window_at: datetime | None = None
    tries: int = 0
    failures: int = 0
    repeats: int = 0


def stance(account: Account, now: datetime) -> Stance:
    """closed: send. held: not before `held_until`. probe: one message may try. probing: somebody does."""
    until = account.held_until
    if until is None or account.held_for is None:
        return "closed"
    if now < until <= now + LONGEST:
        return "held"
    if account.held_for == "rate" and until <= now:
        return "closed"  # the provider said when; nothing is broken
    tried = account.probing_until
    return "probing" if tried is not None and now < tried <= now + LONGEST else "probe"


def counting(account: Account, now: datetime) -> bool:
    """Is its window open, and not over yet?"""
    return account.window_at is not None and account.window_at <= now < account.window_at + WINDOW


def well(account: Account) -> bool:
    """Did its window see tries, and none of them fail? One begun for repeats may (`rules.admission`)."""
    return account.tries > 0 and account.failures == 0


def failed(outcome: Outcome) -> bool:
    """Does the outcome say that something is wrong beyond this one person? The scopes that hold the account by
    themselves are not counted: they need no share of many."""
    if isinstance(outcome, Rejected | Deferred):
        return outcome.scope in {"provider", "message"}
    return isinstance(outcome, Ambiguous)


def speaks(outcome: Outcome) -> bool:
    """Must the account hear of it, even one that nothing is known against?"""
    return failed(outcome) or (isinstance(outcome, Rejected | Deferred) and outcome.scope in WHOLE)


def learned(account: Account, heard: Iterable[tuple[Outcome, bool]], now: datetime) -> Account:
    """The account after these attempts: (outcome, whether it was the one that tried)."""
    for outcome, probe in heard:
        account = _learned(account, outcome, probe, now)
    over = account.window_at is not None and not counting(account, now)
    return _counted_anew(account, None) if over or (account.tries >= SAMPLES and well(account)) else account


def _learned(account: Account, outcome: Outcome, probe: bool, now: datetime) -> Account:
    bad = failed(outcome)
    if probe:
        account = replace(account, probing_until=None)
    if bad and not counting(account, now):
        account = _counted_anew(account, now)
    if counting(account, now):
        account = replace(account, tries=account.tries + 1, failures=account.failures + bad)
    if isinstance(outcome, Rejected | Deferred) and outcome.scope in WHOLE:
        return _held(account, outcome, probe, now)
    if probe:
        return opened(account, _words(outcome), now) if bad else Account()
    enough = account.tries >= SAMPLES and account.failures >= SHARE * account.tries
    if bad and enough and stance(account, now) == "closed":
        share = f"{account.failures} of {account.tries} tries failed within a minute"
        return opened(account, f"{share}, the last: {_words(outcome)}", now)
    return account


def opened(account: Account, reason: str, now: datetime) -> Account:
    """The breaker opens, longer every time in a row."""
    until = now + pause(Deferred(scope="provider", code=""), account.trips)
    return _until(until, "provider", reason, account.trips + 1)


def _held(account: Account, outcome: Rejected | Deferred, probe: bool, now: datetime) -> Account:
    until = now + pause(outcome, account.trips)
    held = stance(account, now) == "held"
    # What comes back late from the same crowd says nothing new.
    if held and not probe and account.held_until is not None:
        if account.held_for == outcome.scope and outcome.scope != "rate":
            return account
        if account.held_until >= until:
            return account
    # Who is asked to be slower works: the next failure begins the series anew.
    return _until(until, outcome.scope, _words(outcome), 0 if outcome.scope == "rate" else account.trips + 1)


def pause(outcome: Rejected | Deferred, trips: int) -> timedelta:
    """How long the outcome holds its account, when it was held `trips` times in a row before. What a provider
    asks for counts for rate and quota, within SHORTEST and LONGEST; what makes no sense does not."""
    after = outcome.after if isinstance(outcome, Deferred) else None
    asked = min(max(after, SHORTEST), LONGEST) if after is not None and after >= timedelta(0) else None
    doubled: int = 2 ** min(trips, 16)
    match outcome.scope:
        case "rate":
            return asked or RATE
        case "quota":
            return asked or min(QUOTA * doubled, LONGEST)
        case _:
            return min(OPEN * doubled, OPEN_LONGEST)


def _until(until: datetime, scope: str, reason: str, trips: int) -> Account:
    return Account(held_until=until, held_for=scope, held_reason=reason[:300], trips=trips)


def _counted_anew(account: Account, since: datetime | None) -> Account:
    return replace(account, window_at=since, tries=0, failures=0, repeats=0)


def _words(outcome: Outcome) -> str:
    match outcome:
        case Ambiguous(reason=reason):
            return reason
        case Accepted():
            return "accepted"
        case Rejected(code=code, detail=detail) | Deferred(code=code, detail=detail):
            return f"{code} {detail or ''}".strip()
