"""What people have agreed to or taken back, written down, and told to the runs of their orders in the same commit.
Once a withdrawal is committed nothing leaves by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.enrol import enabled, enrol
from engine.flow.step import commit, load_courses
from engine.model.consent import Agreed
from engine.model.event import Event
from engine.model.journey import Journey
from engine.rules.consent import turns
from engine.rules.phone import mobile
from engine.store import consents, facts, merchants, people, runs
from engine.store.consents import Consent
from engine.store.facts import Held
from engine.store.session import Tx


@dataclass(frozen=True, kw_only=True)
class Word:
    """What happens by a word of a person, and in which of their orders. `told` is the one from which they said it, else
    their newest: a journey that such an event starts begins there and nowhere else."""

    event: Event
    orders: frozenset[int]
    told: int


def named(tx: Tx, address: str, country: str) -> str | None:
    """The blind index of whoever has this mail address or telephone number; None for what is neither."""
    if "@" in address:
        return tx.vault.index(tx.merchant, "email", address)
    number = mobile(address, country)
    return tx.vault.index(tx.merchant, "phone", number) if number else None


def record(app: App, merchant: int, records: Sequence[Consent]) -> None:
    """Append the records of one merchant's people, and let journeys act on what changes by them."""
    now = app.clock.now()

    def write(tx: Tx) -> bool:
        if any(not one.granted for one in records):
            tx.shut_gate(merchant)
        return take(app, tx, records, now)

    if app.store.commit(write, merchant):
        app.hints.deliver()


def take(app: App, tx: Tx, records: Sequence[Consent], now: datetime, *, told: int | None = None) -> bool:
    """Append records, and tell the runs of these people's orders. `told`: the order from which they were given. Returns
    whether messages are due. The gate must be shut where one of them takes something back."""
    return happen(app, tx, append(tx, records, now, {} if told is None else {one.person: told for one in records}), now)


def happen(app: App, tx: Tx, words: Sequence[Word], now: datetime) -> bool:
    """Let words happen in the orders that listen for them. Returns whether messages are due."""
    if not words:
        return False
    journeys, merchant = enabled(app, tx), merchants.by_id(tx, tx.merchant)
    held = facts.load(tx, hearing(tx, words, journeys), lock=True)
    cases = {number: Case(held=one, merchant=merchant) for number, one in held.items() if one.state is not None}
    load_courses(tx, list(cases.values()), app.journeys.get)
    new = tell(words, cases, journeys, now)
    facts.save(tx, {one.id: one for one, _, _ in new}.values(), now)
    facts.happened(tx, new, now)
    return commit(tx, list(cases.values()), now)


def append(tx: Tx, records: Sequence[Consent], now: datetime, told: Mapping[str, int]) -> list[Word]:
    """Append records. Returns what happens by those that change what stands; to say the same again changes nothing.
    `told`: blind index of a person -> the order from which they said it."""
    if not records:
        return []
    said: dict[str, list[Agreed]] = {}
    for one in records:
        said.setdefault(one.person, []).append(one.agreed)
    before = consents.agreed(tx, said)
    consents.record(tx, records)
    changed = {person: turns([one for _, one in before.get(person, ())], said[person], now) for person in sorted(said)}
    orders = people.orders(tx, [person for person, events in changed.items() if events])
    words = []
    for person, events in changed.items():
        known = frozenset({*orders.get(person, ()), *({told[person]} if person in told else ())})
        if known:
            words += [Word(event=one, orders=known, told=told.get(person, max(known))) for one in events]
    return words


def hearing(tx: Tx, words: Sequence[Word], journeys: Collection[Journey]) -> set[int]:
    """The orders for which these words may mean something: a run is under way, or one may start."""
    starting = {kind for journey in journeys for kind in journey.trigger.event}
    return runs.awake(tx, {number for word in words for number in word.orders}) | {
        word.told for word in words if word.event.type in starting
    }


def tell(
    words: Sequence[Word], cases: Mapping[int, Case], journeys: Collection[Journey], now: datetime, *,
    muted: Mapping[int, str] | None = None,
) -> list[tuple[Held, Event, str | None]]:  # fmt: skip
    """Let the words happen in the orders at hand (with their runs) that listen for them. `muted`: order -> why nothing
    starts there. Returns the events that are new, for whoever saves."""
    new = []
    for word in words:
        event = word.event
        for number in sorted(word.orders & cases.keys()):
            case, why = cases[number], (muted or {}).get(number)
            starting = [one for one in journeys if event.type in one.trigger.event] if number == word.told else []
            waiting = (one for one in case.courses if one.run.state == "active" and event.type in one.journey.awaited)
            if event.key in case.state.events or not (starting or any(waiting)):
                continue
            case.held.state = replace(case.state, events={**case.state.events, event.key: event})
            new.append((case.held, event, why))
            enrol(case, [event], starting, now, muted=why)
    return new
