"""The heart of T2: what was said is brought to the subjects it belongs to, under their locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.enrol import enrol
from engine.flow.place import Placement, Said
from engine.flow.step import commit, load_courses
from engine.model.customer import Party
from engine.model.event import Event
from engine.model.journey import Journey
from engine.rules.fold import Heard
from engine.rules.observe import observe
from engine.rules.stage import stage
from engine.store import facts, merchants, messages, people, runs
from engine.store.facts import Held
from engine.store.session import Tx


@dataclass(frozen=True)
class Parked:
    """Why a delivery waits for an operator."""

    reason: str


def absorb(app: App, tx: Tx, said: Sequence[Said], now: datetime) -> tuple[bool, dict[int, Parked]]:
    """Bring observations of one merchant to their subjects and let journeys act on what has happened.

    Returns whether messages are due, and the inbox rows that could not be placed.
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
    consents: list[dict[str, Any]] = field(default_factory=list)

    @property
    def subjects(self) -> set[int]:
        """The subjects that have changed."""
        return {held.id for held, _, _ in self.heard}

    def write(self, tx: Tx, now: datetime) -> None:
        """Append it all."""
        facts.remember(tx, self.heard, now)
        facts.happened(tx, self.events, now)
        people.record_consent(tx, self.consents)
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
    muted = "backfill: history only" if backfill else None
    held.state, held.stage = state, stage(state.facts)
    news.heard += [(held, one, said[id(one)]) for one in new]
    news.events += [(held, event, muted) for event in events]
    _people(tx, held, before.facts.order.orderer, state.facts.order.orderer, heard[-1].connection, news, now)
    enrol(case, events, journeys, now, muted=muted)


def _people(
    tx: Tx, held: Held, before: Party | None, after: Party | None, source: str, news: News, now: datetime
) -> None:
    """An address that has become known, a consent that was given or taken back at the shop."""
    if after is None or not after.email:
        return
    if held.version and (before is None or before.email != after.email):  # nothing waits for who is new
        news.reachable.append(held.id)
    agreed, before_that = bool(after.accepts_marketing), bool(before and before.accepts_marketing)
    if agreed != before_that:  # who has never said yes has withdrawn nothing
        news.consents.append({
            "person_index": tx.vault.index(tx.merchant, "email", after.email), "channel": "email",
            "purpose": "promotional", "granted": agreed, "basis": "said so at the shop", "source": source, "at": now,
        })  # fmt: skip
