"""What a person sees and changes on the preference page, and the second half of a double opt-in.

Whoever holds a link may take messages away from its person, or move them; that is what the link is for. What would add
messages, a yes to offers, is asked for once more by a message to the person themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.flow.app import App
from engine.flow.consenting import Word, happen, take
from engine.flow.limits.room import chosen as carried
from engine.flow.reach import Said, reader, said
from engine.flow.route import linked, persons_of, suppressed_as
from engine.model.consent import ANY, Purpose
from engine.model.customer import Party
from engine.model.event import Event
from engine.model.merchant import Merchant
from engine.model.message import REACHED_BY, Medium
from engine.model.preference import Preference
from engine.rules.consent import agreed, may_ask
from engine.rules.phone import number_of
from engine.store import consents, facts, ledger, merchants, optout, people, runs
from engine.store.consents import Consent
from engine.store.facts import Held
from engine.store.ledger import Entry
from engine.store.people import Link
from engine.store.session import Tx

BASIS = "preference page"
DOUBLE = "double opt-in"
TO_CUSTOMERS = ("email", "line", "sms", "push", "whatsapp")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever the link is about, as known now."""

    held: Held
    merchant: Merchant
    party: Party
    indexes: tuple[str, ...]
    addresses: Mapping[Medium, str]  # by medium that the merchant has a channel for
    told: Said
    granted: Mapping[Purpose, bool]  # service and promotional, as it stands

    @property
    def chosen(self) -> Preference:
        """What they have chosen before."""
        return self.told.of(self.indexes)[1]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the form says. `rest_days`: None leaves a pause as it is, 0 ends it."""

    service: bool
    promotional: bool
    preference: Preference
    rest_days: int | None = None
    proof: Mapping[str, Any]
    wording: str


def person(app: App, tx: Tx, link: Link, now: datetime) -> Person | None:
    """The person of a link; None when nobody can be found who could choose anything."""
    number = optout.standing(tx, link.subject)
    held = facts.load(tx, [number]).get(number)
    row = optout.message(tx, link.message) if link.message is not None else None
    if held is None or held.state is None:
        return None
    order, role = held.state.facts.order, row.recipient if row is not None else "orderer"
    party = order.recipient if role == "recipient" else order.orderer
    indexes = tuple(persons_of(tx, party))
    if party is None or not indexes:
        return None
    merchant, told = merchants.by_id(tx, tx.merchant), said(tx, indexes)
    addresses = _addresses(app, tx, party)
    who = reader(tx, order, role, now)
    country = ((who.place.country if who.place else None) or merchant.settings.country).upper()
    blocked = _blocked(tx, addresses)
    granted: dict[Purpose, bool] = {}
    for purpose in ("service", "promotional"):
        known, ways = told.of(indexes)[0], list(addresses) or ["email"]
        stands = [
            may_ask(
                purpose, country=country, medium=medium, granted=agreed(known, medium, now).get(purpose),
                ordered_at=who.ordered_at, strict=merchant.settings.service_consent == "always", now=now,
            ).basis
            for medium in ways if purpose not in blocked.get(medium, ())
        ]  # fmt: skip
        granted[purpose] = any(stands)
    return Person(
        held=held, merchant=merchant, party=party, indexes=indexes, addresses=addresses, told=told, granted=granted
    )


def choose(app: App, link: Link, wish: Wish) -> bool:
    """Take in what a person has chosen. Returns whether they are asked to confirm that they want offers."""
    now = app.clock.now()

    def write(tx: Tx) -> bool:
        tx.shut_gate(tx.merchant)
        who = person(app, tx, link, now)
        if who is None:
            return False
        facts.lock(tx, {who.held.id, *people.subjects(tx, who.indexes)})
        asks = wish.promotional and not who.granted["promotional"]
        take(app, tx, _said(tx, who, wish, now), now, told=who.held.id)
        rests = who.chosen.rests_until
        if wish.rest_days is not None:
            rests = now + timedelta(days=wish.rest_days) if wish.rest_days else None
        new = Preference(
            locale=wish.preference.locale, without=wish.preference.without, quiet=wish.preference.quiet,
            rests_until=rests if rests and rests > now else None,
        )  # fmt: skip
        consents.choose(tx, who.indexes, new, now)
        values = {"service": wish.service, "promotional": wish.promotional, "confirms": asks,
                  "without": list(new.without), "rests_until": new.rests_until}  # fmt: skip
        ledger.note(tx, [Entry(at=now, decision="preferences", subject=who.held.id, reason=BASIS, values=values)])
        return asks and _ask_again(app, tx, who, now)

    asked = app.store.commit(write, link.merchant)
    app.hints.deliver()
    return asked


def confirm(app: App, link: Link, proof: Mapping[str, Any], wording: str) -> bool:
    """The person has said yes in the message that asked them: offers may be sent by its medium. Doing it again changes
    nothing. False when there is nobody any more who could have said it."""
    now = app.clock.now()

    def write(tx: Tx) -> bool:
        tx.shut_gate(tx.merchant)
        who, row = person(app, tx, link, now), optout.message(tx, link.message or 0)
        if who is None or row is None:
            return False
        medium: Medium = row.channel or "email"
        if agreed(who.told.of(who.indexes)[0], medium, now).get("promotional") and who.granted["promotional"]:
            return True
        shown = {**proof, "asked_by": row.public_id, "asked_at": row.sent_at or row.planned_at, "by": medium}
        take(app, tx, [
            Consent(
                person=index, channel=medium, purpose="promotional", granted=True, basis=DOUBLE, source=row.public_id,
                at=now, wording=wording, proof=shown,
            )
            for index in who.indexes
        ], now, told=who.held.id)  # fmt: skip
        _lift(tx, who, "promotional", {medium})
        values = {"purpose": "promotional", "channel": medium, "wording": wording}
        ledger.note(tx, [Entry(at=now, decision="consent", subject=who.held.id, message=row.id, reason=DOUBLE,
                               values=values)])  # fmt: skip
        return True

    done = app.store.commit(write, link.merchant)
    app.hints.deliver()
    return done


def _said(tx: Tx, who: Person, wish: Wish, now: datetime) -> list[Consent]:
    """What the form changes at once: service messages either way, offers only away."""
    changed: dict[Purpose, bool] = {}
    if wish.service != who.granted["service"]:
        changed["service"] = wish.service
    if not wish.promotional and who.granted["promotional"]:
        changed["promotional"] = False
    if changed.get("service"):
        _lift(tx, who, "service", set(who.addresses))
    return [
        Consent(
            person=index, channel=ANY, purpose=purpose, granted=granted, basis=BASIS, source="/p", at=now,
            wording=wish.wording, proof=wish.proof,
        )
        for purpose, granted in changed.items() for index in who.indexes
    ]  # fmt: skip


def _ask_again(app: App, tx: Tx, who: Person, now: datetime) -> bool:
    """Plan the message that asks for a second yes: the first request of a day does, so that nobody is flooded."""
    key = f"consent.requested/{now.date().isoformat()}"
    event = Event(type="consent.requested", key=key, occurred_at=now)
    happen(app, tx, [Word(event=event, orders=frozenset({who.held.id}), told=who.held.id)], now)
    return any(run.key == key for run in runs.of(tx, [who.held.id]).get(who.held.id, ()))


def _addresses(app: App, tx: Tx, party: Party) -> dict[Medium, str]:
    media = [medium for medium in carried(app, merchants.channels(tx)) if medium in TO_CUSTOMERS]
    given = linked(tx, {0: party}, frozenset(media))[0] if {"line", "push"} & set(media) else {}
    reached = {"email": party.email, "phone": number_of(party), **given}
    return {m: at for m in TO_CUSTOMERS if m in media and (at := reached.get(REACHED_BY[m]))}  # type: ignore[index, misc]


def _blocked(tx: Tx, addresses: Mapping[Medium, str]) -> dict[Medium, set[str]]:
    """Purposes that a medium is suppressed for."""
    indexes = {medium: suppressed_as(tx, medium, address) for medium, address in addresses.items()}
    found = people.suppressed(tx, set(indexes.values()))
    every = {"service", "promotional"}
    return {m: every if "all" in found.get(one, ()) else found.get(one, set()) for m, one in indexes.items()}


def _lift(tx: Tx, who: Person, purpose: Purpose, media: set[Medium]) -> None:
    """They want these messages again: what was suppressed for this purpose is taken back, dead addresses are not."""
    for medium, address in who.addresses.items():
        if medium in media:
            people.lift_scope(tx, suppressed_as(tx, medium, address), purpose)
