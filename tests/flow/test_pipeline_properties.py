"""Whatever the order in which sources speak, the same messages leave, and none says less than is known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow.accept import keep
from engine.flow.observe import observe
from engine.flow.send import deliver
from engine.model.event import Event
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.happen import happenings, renamed
from engine.store import facts
from tests.flow.house import House
from tests.rules.hearing import keys_by_least_name
from tests.rules.strategies import START, stories

CONNECTIONS = ("warehouse", "tracker", "sheet")
SENT = frozenset({"sent", "delivered", "unknown"})

# What a message may not leave without knowing: written here by hand, not taken from journeys/.
OVERTAKEN: dict[str, set[str]] = {
    "order.confirmed": {
        "order.cancelled", "order.refunded", "order.delivered", "shipment.dispatched", "shipment.delivered",
        "shipment.returned", "shipment.returning",
    },
    "order.cancelled": {"shipment.dispatched", "shipment.delivered"},
    "shipment.dispatched": {"shipment.delivered", "shipment.returning", "shipment.returned", "shipment.cancelled"},
    "shipment.delivered": {"shipment.returning", "shipment.returned"},
    "shipment.delivery_failed": {"shipment.delivered", "shipment.returning", "shipment.returned"},
    "shipment.on_hold": {"shipment.delivered", "shipment.returning", "shipment.returned"},
    "shipment.ready_for_pickup": {"shipment.delivered", "shipment.returning", "shipment.returned"},
    "return.requested": {"return.received", "return.refunded", "return.declined"},
    "return.received": {"return.refunded", "return.declined"},
    "return.refunded": {"return.declined"},
    "order.delivered": {
        "order.cancelled", "order.refunded", "return.requested", "return.refunded", "shipment.returned",
    },
}  # fmt: skip
ASSERTS = {
    "order_confirmed": "order.confirmed", "order_cancelled": "order.cancelled", "shipped": "shipment.dispatched",
    "delivered": "shipment.delivered", "failed": "shipment.delivery_failed", "held": "shipment.on_hold",
    "pickup": "shipment.ready_for_pickup", "requested": "return.requested", "received": "return.received",
    "refunded": "return.refunded", "review_request": "order.delivered", "reorder": "order.delivered",
}  # fmt: skip


@contextmanager
def opened(now: datetime) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="todoke-") as folder:
        house = House(Path(folder), start=now)
        for name in CONNECTIONS:
            house.connect(name, "standard")
        try:
            yield house
        finally:
            house.close()


def hear(house: House, batch: Sequence[Heard]) -> None:
    """One batch of the inbox, a delivery for each observation."""
    keep(house.app, [house.raw(msgspec.json.encode(one.seen), one.connection) for one in batch])
    assert observe(house.app) == len(batch)


def states(house: House) -> dict[int, State]:
    rows = house.rows("SELECT id FROM subject WHERE joined_into IS NULL")
    with house.app.store.read(house.merchant.id) as tx:
        return {n: held.state or State() for n, held in facts.load(tx, [row.id for row in rows]).items()}


Key = tuple[str, str, str, str]


def keys(house: House, among: frozenset[str] | None = None) -> set[Key]:
    """(journey, step, run, recipient) of the messages, with parcels called by their least name."""
    return set(lasting(house, among))


def lasting(house: House, among: frozenset[str] | None = None) -> dict[Key, bool]:
    """The same, and whether that which started each holds by everything known now: what a source has taken
    back, or what only seemed so for want of an observation, need not be told in every order of hearing."""
    known = states(house)
    final = {n: {renamed(e, s.names).key for e in happenings(s.facts).values()} for n, s in known.items()}
    found: dict[Key, bool] = {}
    for row in house.rows("SELECT * FROM message WHERE occurrence = '1'"):
        if among is None or row.status in among:
            about = Event(type="order.created", key=f"/{row.shipment or row.return_key}", occurred_at=START,
                          shipment=row.shipment, return_=row.return_key)  # fmt: skip
            said = keys_by_least_name(known[row.subject_id])
            key = renamed(about, said)
            run = row.run_key
            for old, new in ((row.shipment, key.shipment), (row.return_key, key.return_)):
                run = run.replace(f"/{old}", f"/{new}") if old else run
            started = known[row.subject_id].events.get(row.event_key)
            holds = started is not None and renamed(started, known[row.subject_id].names).key in final[row.subject_id]
            found[(row.journey, row.step, run, row.recipient)] = holds
    return found


def missing(mixed: House, orderly: House) -> set[Key]:
    """Messages that hold and that left `orderly`, but not `mixed`, though nothing there spoke against them.

    Events are never taken back: one that was concluded too early may have kept a message from leaving.
    """
    too_early = {
        event.type
        for state in states(mixed).values()
        for event in state.events.values()
        if renamed(event, state.names).key not in happenings(state.facts)
    }
    lost = {key for key, holds in lasting(orderly, SENT).items() if holds} - keys(mixed, SENT)
    if not too_early:
        return lost
    spoke = {f"superseded by {kind}" for kind in too_early} | {f"exit: {kind}" for kind in too_early}
    excused = {row.journey for row in mixed.rows("SELECT journey, reason FROM ledger") if row.reason in spoke}
    return {key for key in lost if key[0] not in excused}


def shipment_of(state: State, event: Event | Any) -> str | None:
    return state.names.get(f"was:parcel:{event.shipment}", event.shipment)


def check_truth(house: House, checked: set[int]) -> None:
    """Messages sent since the last look assert nothing that the stored events overtake."""
    known = states(house)
    for row in house.rows("SELECT * FROM message WHERE status = 'sent'"):
        if row.id in checked:
            continue
        checked.add(row.id)
        state = known[row.subject_id]
        asserted = ASSERTS.get(row.step) or ASSERTS[row.journey]
        for event in house.rows("SELECT * FROM event WHERE subject_id = :n", n=row.subject_id):
            same_parcel = not row.shipment or not event.shipment or shipment_of(state, row) == shipment_of(state, event)
            same_return = not row.return_key or not event.return_key or row.return_key == event.return_key
            if same_parcel and same_return:
                assert event.type not in OVERTAKEN[asserted], (row.journey, row.step, row.run_key, event.key)


def check_records(house: House) -> None:
    """One row a key; every message that was not sent is explained; every delivery came to its end."""
    twice = house.rows(
        "SELECT journey, step, subject_id, run_key, recipient, occurrence FROM message"
        " GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) > 1"
    )
    assert not twice
    for row in house.rows("SELECT * FROM message WHERE status NOT IN ('sent', 'planned')"):
        entries = house.rows(
            "SELECT decision, reason FROM ledger WHERE message_id = :n AND decision = :d", n=row.id, d=row.status
        )
        assert entries, (row.status, row.reason)
        assert entries[-1].reason
    assert house.rows("SELECT count(*) n FROM inbox WHERE state != 'processed'")[0].n == 0
    files = {path.stem for path in (house.home / "mailbox").glob("*.eml")}
    assert files == {row.public_id for row in house.rows("SELECT public_id FROM message WHERE status = 'sent'")}


@st.composite
def hearings(draw: st.DrawFn) -> tuple[list[Heard], list[list[Heard]]]:
    told = draw(stories())
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    mixed = draw(st.permutations([*told, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(mixed)), max_size=6)))
    return told, [mixed[a:b] for a, b in zip([0, *cuts], [*cuts, len(mixed)], strict=True) if a < b]


def soon(told: Sequence[Heard]) -> datetime:
    """A minute after the last of it."""
    return told[-1].seen.as_of + timedelta(minutes=1)


@given(hearings())
@settings(max_examples=25)
def test_what_is_heard_before_anything_leaves_gives_the_same_messages_in_any_order(hearing):
    told, batches = hearing
    with opened(soon(told)) as orderly, opened(soon(told)) as mixed:
        hear(orderly, told)
        for batch in batches:
            hear(mixed, batch)
        for house in (orderly, mixed):
            house.work()
            check_truth(house, set())
            house.later(days=9)
            house.later(days=32)
            check_records(house)
        assert len(states(mixed)) == len(states(orderly))
        assert missing(mixed, orderly) == set()
        assert missing(orderly, mixed) == set()


@given(hearings(), st.data())
@settings(max_examples=25)
def test_sending_in_between_adds_only_what_was_true_then(hearing, data):
    told, batches = hearing
    with opened(soon(told)) as orderly, opened(soon(told)) as mixed:
        hear(orderly, told)
        orderly.work()
        checked: set[int] = set()
        for batch in batches:
            hear(mixed, batch)
            mixed.clock.advance(timedelta(seconds=1))
            if data.draw(st.booleans()):
                deliver(mixed.app)
                check_truth(mixed, checked)
        mixed.work()
        check_truth(mixed, checked)
        check_records(mixed)
        assert missing(mixed, orderly) == set()


@given(stories())
@settings(max_examples=20)
def test_a_story_told_as_it_happens(told):
    """Hour by hour, as it really comes: nothing leaves that is not so, and nothing is told twice."""
    with opened(START) as house:
        checked: set[int] = set()
        for one in told:
            if one.seen.as_of > house.clock.now():
                house.clock.advance(one.seen.as_of - house.clock.now())
            hear(house, [one])
            house.work()
            check_truth(house, checked)
        house.later(days=9)
        house.later(days=32)
        check_records(house)


@given(stories())
@settings(max_examples=20)
def test_a_backfill_never_writes(told):
    with opened(soon(told)) as house:
        keep(house.app, [house.raw(msgspec.json.encode(one.seen), one.connection, backfill=True) for one in told])
        house.work()
        house.later(days=9)
        house.later(days=32)
        assert keys(house) == set()
