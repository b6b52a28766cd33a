"""A leased message with everything needed to decide about it and to write it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from engine.flow.app import App
from engine.flow.limits.room import chosen
from engine.flow.reach import Reader, Said, reader, said, standing
from engine.flow.route import Route, lines, linked, routes
from engine.model.consent import OPTIONAL
from engine.model.customer import Party
from engine.model.event import Event
from engine.model.facts import State
from engine.model.journey import Journey, Send
from engine.model.merchant import Merchant
from engine.model.preference import NOTHING_CHOSEN, Preference
from engine.rules.consent import bears_on
from engine.rules.guard_view import guard_view
from engine.rules.happen import outweighs, renamed
from engine.rules.identify import current
from engine.rules.policy import Allow, Asked, Verdict, may_reach, still_true
from engine.rules.route import pick
from engine.rules.silence import silence
from engine.store import facts, merchants, messages, people, runs
from engine.store.attempts import NOTHING, Past
from engine.store.facts import Held
from engine.store.merchants import Connection
from engine.store.session import Tx


@dataclass(kw_only=True)
class Letter:
    """One message on its way. `row` is its row as leased, `held` its subject as it was read."""

    row: Any
    held: Held
    merchant: Merchant
    journey: Journey
    step: Send
    routes: Sequence[Route] = ()  # the ways to its person, in order
    route: Route | None = None  # the one that it takes, once it has been judged
    reader: Reader = field(default_factory=Reader)  # who reads it
    told: Said | None = None  # what they have agreed to and chosen, as far as it was asked for
    offers: bool = False  # have they agreed to offers, over the way that it takes?
    orders_since: int = 0  # of the same person, after this one
    verdict: Verdict = field(default_factory=Allow)
    _truth: Verdict | None = None

    @property
    def channel(self) -> Connection | None:
        """The connection that carries it; before anybody has judged, the one it would rather take."""
        route = self.route or next(iter(self.routes), None)
        return route.channel if route else None

    def truth(self, now: datetime) -> Verdict:
        """Is what it says still so? The facts stay as they were read; only its time may run out."""
        if self._truth is None or now >= self.row.expires_at:
            self._truth = still_true(self.asked, self.events, self.names, now)
        return self._truth

    @property
    def chosen(self) -> Preference:
        """What the person has chosen on the preference page."""
        return self.told.of(self.reader.indexes)[1] if self.told else NOTHING_CHOSEN

    @property
    def state(self) -> State:
        """What is known of the subject."""
        return self.held.state or State()

    @cached_property
    def names(self) -> Mapping[str, Any]:
        """What its guards may ask."""
        event = self.state.events.get(self.row.event_key)
        return guard_view(
            self.state.facts, role=self.row.recipient, event=event and renamed(event, self.state.names),
            shipment=self.shipment, return_=self.return_, orders_since=self.orders_since,
        )  # fmt: skip

    @cached_property
    def events(self) -> dict[str, Event]:
        """What has happened and may outweigh a message, by the keys that parcels and returns go by now."""
        told = (renamed(event, self.state.names) for event in self.state.events.values())
        heard = (event for event in told if bears_on(self.journey, event))
        return {event.key: event for event in heard if outweighs(event, self.state.facts)}

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the customer lives: the merchant's zone."""
        return ZoneInfo(self.merchant.settings.timezone)

    @cached_property
    def shipment(self) -> str | None:
        """The parcel it is about, by the key that the parcel goes by now."""
        return current(self.state.names, "parcel", self.row.shipment) if self.row.shipment else None

    @cached_property
    def return_(self) -> str | None:
        """The return it is about, by the key that the return goes by now."""
        return current(self.state.names, "return", self.row.return_key) if self.row.return_key else None

    @cached_property
    def party(self) -> Party | None:
        """The person it is for."""
        order = self.state.facts.order
        return order.recipient if self.row.recipient == "recipient" else order.orderer

    @property
    def address(self) -> str | None:
        """Where it would go."""
        return self.route.address if self.route else None

    @cached_property
    def asked(self) -> Asked:
        """The message as the gate sees it."""
        row = self.row
        return Asked(
            step=self.step, purpose=row.purpose, event_key=row.event_key, anchor=row.anchor, shipment=self.shipment,
            return_=self.return_, due_at=row.due_at, expires_at=row.expires_at,
        )  # fmt: skip


def open_letters(app: App, tx: Tx, ids: Sequence[int]) -> list[Letter]:
    """Load messages of the transaction's merchant with their subjects and journeys; `find_ways` comes next."""
    rows = messages.load(tx, ids)
    held = facts.load(tx, {row.subject_id for row in rows})
    merchant = merchants.by_id(tx, tx.merchant)
    ordered = people.orders_since(tx, {row.subject_id for row in rows if row.purpose in OPTIONAL})
    pinned: dict[str, Journey] = {}
    letters = []
    for row in rows:
        journey = app.journeys.get(row.journey)
        if journey is None or journey.digest != row.digest:
            journey = pinned.get(row.digest) or runs.pinned(tx, row.digest)
            pinned[row.digest] = journey
        step = next(step for step in journey.steps if step.id == row.step)
        if not isinstance(step, Send):
            raise TypeError(f"journey {journey.name}: step {row.step} sends no message")
        letters.append(
            Letter(row=row, held=held[row.subject_id], merchant=merchant, journey=journey, step=step,
                   orders_since=ordered.get(row.subject_id, 0))
        )  # fmt: skip
    return letters


def find_ways(
    app: App, tx: Tx, letters: Sequence[Letter], past: Mapping[int, Past], passed_over: Mapping[int, str] | None = None
) -> None:
    """Find the ways by which each letter may reach its person, knowing what became of it before. `passed_over`: media
    that are not tried, where it is not what the row says."""
    carried = lines(app, tx)
    media = frozenset(medium for letter in letters for medium in letter.step.via)
    given = linked(tx, {letter.row.id: letter.party for letter in letters}, media)
    for letter in letters:
        row = letter.row
        written = app.templates[row.template].media if row.template in app.templates else {"email"}
        letter.reader = reader(tx, letter.state.facts.order, row.recipient, row.anchor)
        letter.routes = routes(
            app, tx, carried, letter.party, [medium for medium in letter.step.via if medium in written], row.purpose,
            past=past.get(row.id, NOTHING), passed_over=(passed_over or {}).get(row.id, row.passed_over),
            linked=given.get(row.id),
        )  # fmt: skip


def judge(tx: Tx, letters: Sequence[Letter], now: datetime) -> None:
    """Ask the gate about every letter: is it still true, and by which way may we reach the person now?"""
    suppressed = people.suppressed(tx, list({way.index for letter in letters for way in letter.routes if way.index}))
    _ask(tx, letters)
    pauses = people.pauses(tx)
    for letter in letters:
        paused = next((reason for journey, reason in pauses if journey in {None, letter.row.journey}), None)
        letter.verdict = letter.truth(now)
        if isinstance(letter.verdict, Allow):
            _choose(letter, suppressed, paused, now)


def _ask(tx: Tx, letters: Sequence[Letter]) -> None:
    """Read what the people have said. A notice needs nobody's consent, and what its reader has chosen for it, language
    and medium, is read once; for the others it is read anew every time somebody judges."""
    asking = [one for one in letters if one.told is None or one.row.purpose != "transactional"]
    persons = {index for letter in asking for index in letter.reader.indexes}
    told = said(tx, persons, agreed_too=any(one.row.purpose != "transactional" for one in asking))
    for letter in asking:
        letter.told = told


def _choose(letter: Letter, suppressed: Mapping[str, Collection[str]], paused: str | None, now: datetime) -> None:
    email = letter.party.email if letter.party else None
    silent = silence(letter.state.facts, shipment=letter.shipment, return_=letter.return_, email=email)
    ways = []
    standings = standing(
        letter.routes, letter.reader, letter.told or Said(), letter.row.purpose, letter.merchant.settings, now,
        suppressed=suppressed, paused=paused, silent=silent,
    )  # fmt: skip
    for way, one in zip(letter.routes, standings, strict=True):
        ways.append((way.medium, may_reach(letter.asked, way.address, one, now)))
    picked = pick(ways)
    letter.route = letter.routes[picked.place] if picked.place is not None else None
    letter.offers = picked.place is not None and standings[picked.place].consents.get("promotional") is True
    if not isinstance(picked.verdict, Allow):
        letter.verdict = picked.verdict
    elif picked.verdict.values and isinstance(letter.verdict, Allow):
        letter.verdict = Allow({**letter.verdict.values, **picked.verdict.values})


def channels_of(app: App, tx: Tx) -> dict[str, Connection]:
    """Medium -> the connection that carries it, of the merchant of this transaction."""
    return chosen(app, merchants.channels(tx))
