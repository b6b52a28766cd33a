"""The heart of T2: what was said is brought to the subjects it belongs to, under their locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.consenting import append, hearing, tell
from engine.flow.enrol import enabled, enrol
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
from engine.store import facts, merchants, messages
from engine.store.consents import Consent
from engine.store.facts import Held
from engine.store.session import Tx

BACKFILL = "backfill: history only"


@dataclass(frozen=True)
class Parked:
    """Why a delivery waits for an operator."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class First:
    """What has to be done before any row of a merchant is locked: shut the gate, so that nothing is armed meanwhile;
    lock these orders together with those that are spoken of."""

    shut: bool = False
    orders: frozenset[int] = frozenset()

    def __or__(self, other: First) -> First:
        return First(shut=self.shut or other.shut, orders=self.orders | other.orders)


class NotYet(Exception):
    """Somebody has changed at the shop what they agreed to, and something has to be done first. Whoever commits does
    so, and comes again."""

    def __init__(self, merchant: int, first: First) -> None:
        super().__init__(f"merchant {merchant}")
        self.merchant, self.first = merchant, first


NOTHING_FIRST = First()


def absorb(
    app: App, tx: Tx, said: Sequence[Said], now: datetime, *, first: First = NOTHING_FIRST
) -> tuple[bool, dict[int, Parked]]:
    """Bring observations of one merchant to their subjects and let journeys act on what has happened. `first`: what was
    done before.

    Returns whether messages are due, and the inbox rows that could not be placed. Raises NotYet where more has to be
    done first.
    """
    placement = Placement(tx, merchants.by_id(tx, tx.merchant), said, now, also=first.orders)
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
    journeys, news = enabled(app, tx), News()
    for case in cases:
        # What a backfill tells is history: its events are taken in first, and start nothing.
        for backfill in (True, False):
            _learn(tx, case, backfill, journeys, news, now)
    words = append(tx, news.consents, now, news.told)
    needed = First(
        shut=any(not one.granted for one in news.consents),
        orders=frozenset(hearing(tx, words, journeys)) - placement.cases.keys() - first.orders,
    )
    if needed.orders or needed.shut > first.shut:
        raise NotYet(tx.merchant, first | needed)
    news.events += tell(words, placement.cases, journeys, now, muted=news.old)
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
    told: dict[str, int] = field(default_factory=dict)  # who has said something of consent -> in which order
    old: dict[int, str] = field(default_factory=dict)  # orders in which it is history

    @property
    def subjects(self) -> set[int]:
        """The subjects that have changed."""
        return {held.id for held, _, _ in (*self.heard, *self.events)}

    def write(self, tx: Tx, now: datetime) -> None:
        """Append it all."""
        facts.remember(tx, self.heard, now)
        facts.happened(tx, self.events, now)
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
    orderers = (before.facts.order.orderer, state.facts.order.orderer)
    if _people(tx, held, orderers, heard[-1].connection, said[id(heard[-1])], news, now) and backfill:
        news.old[held.id] = BACKFILL
    for event in events:
        muted = BACKFILL if backfill else OLD if event.key in old else None
        news.events.append((held, event, muted))
        enrol(case, [event], journeys, now, muted=muted)


def _people(
    tx: Tx, held: Held, orderers: tuple[Party | None, Party | None], source: str, inbox: int | None, news: News,
    now: datetime,
) -> bool:  # fmt: skip
    """An address that has become known, a consent that was given or taken back at the shop; returns whether one was."""
    before, after = orderers
    if after is None or not after.email:
        return False
    if held.version and (before is None or before.email != after.email):  # nothing waits for who is new
        news.reachable.append(held.id)
    agreed, before_that = bool(after.accepts_marketing), bool(before and before.accepts_marketing)
    if agreed == before_that:  # who has never said yes has withdrawn nothing
        return False
    who = tx.vault.index(tx.merchant, "email", after.email)
    news.told[who] = held.id
    news.consents.append(Consent(
        person=who, channel="email", purpose="promotional", granted=agreed, basis="said so at the shop", source=source,
        at=now, proof={"delivery": inbox},
    ))  # fmt: skip
    return True
