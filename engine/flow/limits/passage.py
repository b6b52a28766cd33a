"""Accounts at the point of no return and at the outcome: who may pass now, and what is learned from those who did.

An account that works and has no rate of its own costs one look for the whole batch, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from engine.contracts import Outcome
from engine.flow.app import App
from engine.flow.letter import Letter
from engine.flow.limits import batch_size
from engine.flow.limits.room import ask_again, rate
from engine.rules.admission import Known, Wait, admit, given_back, unhindered
from engine.rules.breaker import Account, learned, speaks
from engine.rules.policy import Defer
from engine.rules.rate import Rate
from engine.store import accounts
from engine.store.merchants import Connection
from engine.store.session import Tx


@dataclass(frozen=True, kw_only=True)
class Passage:
    """How the account stood when a message passed; `probe`: this one tries whether it works again."""

    account: Account = field(default_factory=Account)
    probe: bool = False


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an attempt says of its account; without an outcome it was not started."""

    channel: Connection
    passage: Passage
    outcome: Outcome | None


def let_pass(
    app: App, tx: Tx, letters: Sequence[Letter], now: datetime, shared: Mapping[int, int] | None = None
) -> dict[int, Passage]:
    """Message -> its passage, for those that may leave now; the others are deferred. Accounts that count are
    locked, after subjects and messages, until the transaction ends. `shared`: message -> the request that it would
    share with others."""
    crowds: dict[str, list[Letter]] = {}
    channels: dict[str, Connection] = {}
    for letter in letters:
        if letter.channel is not None:
            channels[letter.channel.id] = letter.channel
            crowds.setdefault(letter.channel.id, []).append(letter)
    real = app.clock.real()
    rates = {name: rate(app, channel) for name, channel in channels.items()}
    known = accounts.read(tx, [name for name in crowds if rates[name] is None])
    free = {
        name
        for name, crowd in crowds.items()
        if unhindered(known.get(name, Known()), rates[name], [one.row.tries > 0 for one in crowd], real)
    }
    owners = {name: channel.merchant for name, channel in channels.items() if name not in free}
    known |= accounts.lock(tx, owners) if owners else {}
    passed: dict[int, Passage] = {}
    for name, crowd in crowds.items():
        at_hand = known.get(name, Known())
        if name in free:
            passed |= {letter.row.id: Passage(account=at_hand.account) for letter in crowd}
        else:
            each = shared if shared and batch_size.by_request(app, channels[name]) else {}
            requests = [each.get(letter.row.id, -letter.row.id) for letter in crowd]
            passed |= _counted(app, tx, name, crowd, requests, at_hand, rates[name], now, real)
    return passed


def _counted(
    app: App, tx: Tx, name: str, crowd: Sequence[Letter], requests: Sequence[int], known: Known, limit: Rate | None,
    now: datetime, real: datetime,
) -> dict[int, Passage]:  # fmt: skip
    lease = timedelta(seconds=app.settings.lease_seconds)
    admission = admit(known, limit, [letter.row.tries > 0 for letter in crowd], real, lease, requests)
    if admission.known != known:
        accounts.save(tx, name, admission.known)
    passed = {}
    for letter, wait in zip(crowd, admission.waits, strict=True):
        if wait is None:
            passed[letter.row.id] = Passage(account=known.account, probe=admission.probe)
        else:
            letter.verdict = _deferred(app, wait, now, real)
    return passed


def _deferred(app: App, wait: Wait, now: datetime, real: datetime) -> Defer:
    """In business time; a crowd that waits for the same moment does not come back at the same moment."""
    pause = max(wait.until - real, timedelta(0))
    return Defer(now + pause + min(pause / 10, timedelta(seconds=5)) * app.chance(), wait.reason, values=wait.values)


def tell(app: App, tx: Tx, told: Sequence[Told], stayed: Mapping[str, int]) -> None:
    """What the attempts of one batch say of their accounts; `stayed`: connection -> how many messages the provider did
    not take or was not asked to. Nothing is asked or written while all is well."""
    crowds: dict[str, list[Told]] = {}
    for one in told:
        crowds.setdefault(one.channel.id, []).append(one)
    days = {name: limit for name in stayed if (limit := rate(app, crowds[name][0].channel)) and limit.per_day}
    heard = {name: crowd for name, crowd in crowds.items() if name in days or any(_matters(one) for one in crowd)}
    if not heard:
        return
    real = app.clock.real()
    known = accounts.lock(tx, {name: crowd[0].channel.merchant for name, crowd in heard.items()})
    for name, crowd in heard.items():
        now = given_back(known[name], days[name], stayed[name], real) if name in days else known[name]
        account = now.account
        if any(one.probe for one in (each.passage for each in crowd if each.outcome is None)):
            account = replace(account, probing_until=None)  # it was not started: somebody else may try
        account = learned(account, [(e.outcome, e.passage.probe) for e in crowd if e.outcome is not None], real)
        if (now := replace(now, account=account)) != known[name]:
            accounts.save(tx, name, now)
    ask_again(app)


def _matters(one: Told) -> bool:
    said = one.outcome is not None and speaks(one.outcome)
    return said or one.passage.probe or one.passage.account.window_at is not None
