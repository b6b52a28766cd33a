"""Errands, one after another: claimed, run, ended. None is asked twice at once, whatever workers there are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import structlog

from engine.contracts import Api
from engine.flow.app import App
from engine.flow.ask.collect import collect
from engine.flow.ask.converse import LONGEST, End, Enough, Met, Over, begin, converse
from engine.flow.ask.plan import api_of, collected
from engine.flow.ask.visit import Lost, Visit, intake, lease, settings_of
from engine.flow.sender_check import looked
from engine.io.dns import Dns
from engine.io.drop import DropFailed
from engine.rules import drop
from engine.rules import errand as rules
from engine.rules.errand import Errand, Why
from engine.store import errands, merchants, turns
from engine.store.session import Tx

log = structlog.get_logger(__name__)


@dataclass
class Told:
    """What came of one visit."""

    errand: Errand
    end: End | None  # None: it was lost to somebody else
    found: int = 0
    new: frozenset[str] = frozenset()


def ask(app: App) -> int:
    """Run the errand whose turn it is; returns how many there were: one or none."""
    with app.store.read() as tx:  # so that whoever would find nothing is in no writer's way
        if not turns.errands_few(tx, app.clock.real(), 1):
            return 0
    taken = app.store.commit(lambda tx: app.lines.errands.claim(_Errands(app, tx), 1))
    for one in taken:
        with app.lines.errands.serving({one.connection: 1}):
            end = visit(app, one).end
        if isinstance(end, Met):
            log.warning("errand.failed", connection=one.connection, kind=one.kind, why=end.why, tries=one.tries)
    return len(taken)


def visit(app: App, errand: Errand) -> Told:
    """Run one errand that was claimed, and write down how it ended."""
    with app.store.read() as tx:
        connection = merchants.connection(tx, errand.connection)
    if connection is None:
        raise LookupError("an errand without its connection")
    api = api_of(app, connection) or Api()
    made = Visit(app=app, errand=errand, connection=connection, pace=api.pace)
    try:
        match errand.kind, connection.role:
            case "collect", _:
                end = _collect(made)
            case "check", "channel":
                end = _check(made, api)
            case _:
                end = _converse(made, api)
        made.pause()
        if not app.store.commit(lambda tx: _write(tx, made, api, end), patient=True):
            raise Lost
    except Lost:
        log.warning("errand.lost", connection=errand.connection, kind=errand.kind)
        return Told(errand, None, made.found, frozenset(made.new))
    if isinstance(end, Enough):
        app.hints.ask()
    return Told(errand, end, made.found, frozenset(made.new))


def _converse(made: Visit, api: Api) -> End:
    if lacking := rules.missing(api, settings_of(made.connection)):
        return Met("needs", f"not set: {', '.join(lacking)}")
    conversation = begin(api, made, intake(made.app, made.connection.id))
    return Met("needs", "the source has no such conversation") if conversation is None else converse(made, conversation)


def _check(made: Visit, api: Api) -> End:
    """Its provider, where it can be asked, and the DNS."""
    end = _converse(made, api) if api.check else Over()
    made.alive()
    found = looked(made.app, made.connection, Dns(made.app.settings.dns))
    return end if isinstance(end, Enough) else replace(end, findings=(*(end.findings or ()), *found))


def _collect(made: Visit) -> End:
    if not collected(made.app, made.connection):
        return Met("needs", "not set: drop or imap")
    try:
        told = collect(made)
    except DropFailed as failed:
        # Its login is not that of the system's API: what is asked there goes on.
        why: Why = {"login": "request", "request": "provider"}.get(failed.why, failed.why)  # type: ignore[assignment]
        return Met(why, str(failed)[:LONGEST])
    return Over(told.findings, again=told.again)


def _write(tx: Tx, made: Visit, api: Api, end: End) -> bool:
    app, mine = made.app, made.errand
    real, rest = app.clock.real(), made.rest_until()
    match end:
        case Over():
            due = _again(app, made, api, real) if end.again is None else real + end.again
            return errands.done(tx, mine, due=due, rest=rest, real=real, findings=_told(end))
        case Enough() if made.new:
            return errands.stop(tx, mine, due=real, rest=rest, tries=0)
        case Enough():  # pages and pages, and nothing that was not known: perhaps they have no end
            pause = rules.pause("endless", mine.tries, None, real, app.chance()) or timedelta(0)
            return errands.stop(tx, mine, due=real + pause, rest=rest, tries=mine.tries)
        case Met():
            return _failed(tx, made, end, real, rest)


def _failed(tx: Tx, made: Visit, met: Met, real: datetime, rest: datetime | None) -> bool:
    mine = made.errand
    pause = rules.pause(met.why, mine.tries, met.after, real, made.app.chance())
    due = real + pause if pause is not None and not rules.given_up(mine.kind, met.why, mine.tries) else None
    held = met.why in rules.HOLDS and due is not None
    return errands.failed(
        tx, mine, why=met.why, reason=met.reason, due=due, rest=due if held else rest, held=held, real=real,
        findings=_told(met),
    )  # fmt: skip


def _told(end: Over | Met) -> list[dict[str, object]] | None:
    return None if end.findings is None else [msgspec.to_builtins(one) for one in end.findings]


def _again(app: App, made: Visit, api: Api, real: datetime) -> datetime | None:
    match made.errand.kind:
        case "collect":
            return real + drop.every(made.connection.config)
        case "poll":
            return real + rules.every(api, made.connection.config, app.chance())
        case "subscribe":
            return real + rules.SUBSCRIBED * (0.9 + 0.2 * app.chance())
    return None


@dataclass
class _Errands:
    """Errands whose time has come, for `flow.turns`; connections take turns, one errand at a time."""

    app: App
    tx: Tx

    def few(self, most: int) -> tuple[list[str], bool]:
        found = turns.errands_few(self.tx, self.app.clock.real(), most)
        return found, len(found) < most

    def everyone(self) -> list[str]:
        return turns.connections_asked(self.tx, self.app.clock.real())

    def room(self, key: str) -> int | None:
        return None

    def take(self, key: str | None, most: int) -> list[Errand]:
        real = self.app.clock.real()
        taken = errands.claim(self.tx, real, real + lease(self.app), connection=key)
        return [taken] if taken else []
