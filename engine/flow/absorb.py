"""The heart of T2: what was said is brought to the subjects it belongs to, under their locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.enrol import enrol
from engine.flow.place import Placement, Said
from engine.flow.step import commit, load_courses
from engine.model.customer import Party
from engine.model.event import Event
from engine.model.journey import Journey
from engine.rules.fold import Heard
from engine.rules.news import REASON as OLD
from engine.rules.news import history
from engine.rules.observe import observe
from engine.rules.stage import stage
from engine.store import consents, facts, merchants, messages, runs
from engine.store.consents import Consent
from engine.store.facts import Held
from engine.store.session import Tx

BACKFILL = "backfill: history only"


@dataclass(frozen=True)
class Parked:
    """Why a delivery waits for an operator."""

    reason: str


class Withdrawn(Exception):
    """Somebody has taken a consent back at the shop: it must be written with the merchant's gate shut, which has to be
    done before any row is locked. Whoever commits does so, and comes again."""

    def __init__(self, merchant: int) -> None:
        super().__init__(f"merchant {merchant}")
        self.merchant = merchant


def absorb(
    app: App, tx: Tx, said: Sequence[Said], now: datetime, *, shut: bool = False
) -> tuple[bool, dict[int, Parked]]:
    """Bring observations of one merchant to their subjects and let journeys act on what has happened. `shut`: nothing
    of the merchant is armed meanwhile.

    Returns whether messages are due, and the inbox rows that could not be placed. Raises Withdrawn where the gate has
    to be shut and is not.
    """
    placement = Placement(tx, merchants.by_id(tx, tx.merchant), said, now)
    parked: dict[int, Parked] = {}
    for one in said:
        heard = Heard(connection=one.connection, seen=one.seen)
        try:
            placement.place(one).heard.append((heard, one.inbox, one.backfill))
        except LookupError as ambiguous:
            parked[one.inbox or 0] = Parked(str(ambiguous))
    placement.settle()
    cases = [case for case in placement.cases.values() if case.held.state is not None]
    load_courses(tx, cases, app.journeys.get)
    chosen = runs.switches(tx)
    journeys = [one for one in app.journeys.values() if chosen.get(one.name, one.enabled)]
    news = News()
    for case in cases:
        # What a backfill tells is history: its events are taken in first, and start nothing.
        for backfill in (True, False):
            _learn(tx, case, backfill, journeys, news, now)
    if not shut and any(not one.granted for one in news.consents):
        raise Withdrawn(tx.merchant)
    news.write(tx, now)
    facts.save(tx, [case.held for case in cases if case.joined or case.held.id in news.subjects], now)
    facts.name(tx, placement.new_names)
    return commit(tx, cases, now), parked


@dataclass(kw_only=True)
class News:
    """What is new over all subjects of a batch, written with one statement a table."""

    heard: list[tuple[Held, Heard, int | None]] = field(default_factory=list)
    events: list[tuple[Held, Event, str | None]] = field(default_factory=list)
    reachable: list[int] = field(default_factory=list)  # subjects whose address has become known
    consents: list[Consent] = field(default_factory=list)

    @property
    def subjects(self) -> set[int]:
        """The subjects that have changed."""
        return {held.id for held, _, _ in self.heard}

    def write(self, tx: Tx, now: datetime) -> None:
        """Append it all."""
        facts.remember(tx, self.heard, now)
        facts.happened(tx, self.events, now)
        consents.record(tx, self.consents)
        if self.reachable:
            messages.contact_known(tx, self.reachable, now)


def _learn(tx: Tx, case: Case, backfill: bool, journeys: Sequence[Journey], news: News, now: datetime) -> None:
    said = {id(heard): inbox for heard, inbox, old in case.heard if old is backfill}
    heard = [heard for heard, _, old in case.heard if old is backfill]
    if not heard:
        return
    held, before = case.held, case.state

    def log() -> list[Heard]:
        return [*facts.log(tx, held), *(one for owner, one, _ in news.heard if owner is held)]

    state, new, events = observe(before, heard, log)
    old = history(before, state, new, events)
    held.state, held.stage = state, stage(state.facts)
    news.heard += [(held, one, said[id(one)]) for one in new]
    _people(
        tx,
        held,
        before.facts.order.orderer,
        state.facts.order.orderer,
        heard[-1].connection,
        said[id(heard[-1])],
        news,
        now,
    )
    for event in events:
        muted = BACKFILL if backfill else OLD if event.key in old else None
        news.events.append((held, event, muted))
        enrol(case, [event], journeys, now, muted=muted)


def _people(
    tx: Tx, held: Held, before: Party | None, after: Party | None, source: str, inbox: int | None, news: News,
    now: datetime,
) -> None:  # fmt: skip
    """An address that has become known, a consent that was given or taken back at the shop."""
    if after is None or not after.email:
        return
    if held.version and (before is None or before.email != after.email):  # nothing waits for who is new
        news.reachable.append(held.id)
    agreed, before_that = bool(after.accepts_marketing), bool(before and before.accepts_marketing)
    if agreed != before_that:  # who has never said yes has withdrawn nothing
        news.consents.append(Consent(
            person=tx.vault.index(tx.merchant, "email", after.email), channel="email", purpose="promotional",
            granted=agreed, basis="said so at the shop", source=source, at=now, proof={"delivery": inbox},
        ))  # fmt: skip
