"""Facts are a function of the set of observations, however they are heard; and the rules of the fold."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.customer import Party
from engine.model.event import REPEATING, Event
from engine.model.facts import Facts
from engine.model.order import Line
from engine.model.shipment import Packed
from engine.rules.fold import Heard, fold, in_order
from engine.rules.happen import happenings, renamed
from engine.rules.identify import current
from engine.rules.observe import join
from tests.rules.hearing import (
    Subject,
    at,
    comparable_events,
    comparable_facts,
    hear,
    money_back,
    order,
    parcel,
    scan,
    tell,
)
from tests.rules.strategies import hearings, stories

Hearing = tuple[list[Heard], list[list[Heard]]]


@given(hearings())
def test_facts_do_not_depend_on_order_repeats_or_batches(hearing: Hearing) -> None:
    told, batches = hearing
    as_it_was, mixed = tell(*told), hear(batches)
    assert comparable_facts(mixed.state) == comparable_facts(as_it_was.state)
    assert mixed.state.heard == as_it_was.state.heard


@given(hearings())
def test_one_by_one_gives_the_facts_of_the_whole_log(hearing: Hearing) -> None:
    subject = Subject()
    for batch in hearing[1]:
        subject.hear(*batch)
        assert subject.state.facts == fold(subject.log, subject.state.names)


@given(hearings())
def test_events_do_not_depend_on_order_save_for_premature_ones(hearing: Hearing) -> None:
    """Whatever the facts say in the end has been told, in any order of hearing. What is told beyond that
    and beyond an orderly hearing is `_premature`. (What an orderly hearing tells more was so for a while
    only: a hold that was over, a dispatch taken back, when it was heard of.)"""
    told, batches = hearing
    as_it_was, mixed = tell(*in_order(told)), hear(batches)
    orderly = comparable_events(as_it_was.told, as_it_was.state)
    known = comparable_events(mixed.told, mixed.state)
    facts = comparable_facts(mixed.state)
    final = happenings(facts)
    assert final.keys() <= orderly.keys()
    assert final.keys() <= known.keys()
    for key in known.keys() - orderly.keys():
        assert _premature(known[key], facts, final, mixed.state.names), key


def _premature(event: Event, facts: Facts, final: dict[str, Event], names: dict[str, str]) -> bool:
    """What happens again and again, and four things said before the observation that would have given
    them another meaning was heard: a scan of the way back, or after the delivery; a word about a parcel
    without a name, when there are several; a part of the money back, when it is all of it by now; a
    confirmed order whose stock turns out to be awaited."""
    if event.shipment:
        box = facts.shipments[event.shipment]
        after = box.delivered_at and any(one.at > box.delivered_at for one in box.scans)
        unnamed = len(facts.shipments) > 1 and "only:parcel" in names
        return event.type in REPEATING or box.leg > 1 or bool(after) or unnamed
    if event.type == "order.partially_refunded":
        return "order.refunded" in final
    if event.type == "order.confirmed":
        return facts.stock_awaited
    return event.type in REPEATING


@given(hearings())
def test_an_event_is_told_once_and_kept_for_good(hearing: Hearing) -> None:
    subject = Subject()
    for batch in hearing[1]:
        before = dict(subject.state.events)
        new = subject.hear(*batch)
        names = subject.state.names
        known = {renamed(event, names).key for event in before.values()}
        assert not known & {event.key for event in new}
        assert subject.state.events == {**before, **{event.key: event for event in new}}
        assert subject.hear(*batch) == []


@given(stories())
def test_a_delivered_parcel_goes_nowhere_but_back(story: list[Heard]) -> None:
    subject, delivered = Subject(), set[str]()
    for heard in story:
        subject.hear(heard)
        facts, names = subject.state.facts, subject.state.names
        for key in {current(names, "parcel", key) for key in delivered}:
            box = facts.shipments[key]
            assert box.status == "delivered" or box.leg == 2
        delivered |= {box.key for box in facts.shipments.values() if box.status == "delivered"}


@given(stories(), st.data())
def test_joined_halves_are_the_whole(story: list[Heard], data: st.DataObject) -> None:
    sides = data.draw(st.lists(st.booleans(), min_size=len(story), max_size=len(story)))
    mine, theirs = (
        tell(*(one for one, here in zip(story, sides, strict=True) if here is side)) for side in (True, False)
    )
    joined = join(mine.state, theirs.state, [*theirs.log, *mine.log])
    assert comparable_facts(joined) == comparable_facts(tell(*story).state)
    for event in theirs.state.events.values():
        held = renamed(event, theirs.state.names)
        about = held.shipment or held.return_
        if about is None:
            assert event.key in joined.events
            continue
        realm = ("shipment:", "tracking:", "only:parcel") if held.shipment else ("return:", "only:return")
        now = {joined.names[n] for n, key in theirs.state.names.items() if key == about and n.startswith(realm)}
        expected = {held.key.replace(f"/{about}", f"/{key}", 1) for key in now}
        assert expected & {renamed(one, joined.names).key for one in joined.events.values()}
    assert mine.state.events.items() <= joined.events.items()


PLACED = at(-60)


@pytest.mark.parametrize(
    ("story", "paid_at"),
    [
        ([order(0, placed_at=PLACED, payment="paid", paid_at=at(-30))], at(-30)),
        ([order(0, placed_at=PLACED, payment="paid")], PLACED),
        ([order(0, payment="paid")], at(0)),
        ([order(0, placed_at=PLACED, payment="pending"), order(9, payment="paid")], at(9)),
        ([order(0, placed_at=PLACED), order(9, payment="refunded")], PLACED),
        ([order(0, payment="pending"), order(9, payment="paid"), order(20, payment="paid")], at(9)),
        ([order(0, payment="authorized")], None),
        ([order(0, payment="paid"), order(9, payment="voided")], at(0)),
    ],
    ids=[
        "told",
        "from the start",
        "no date",
        "seen changing",
        "first word",
        "not moved",
        "only held",
        "kept",
    ],
)
def test_paid_at(story: list[Heard], paid_at: datetime | None) -> None:
    assert tell(*story).state.facts.order.paid_at == paid_at


@pytest.mark.parametrize(
    ("story", "confirmed_at"),
    [
        ([order(0, placed_at=PLACED, payment="paid")], PLACED),
        ([order(0, payment="pending", allocated=True)], None),
        ([order(0, payment="paid", allocated=False)], None),
        ([order(0, placed_at=PLACED, payment="paid", allocated=False), order(9, allocated=True)], at(9)),
        ([order(0, placed_at=PLACED, payment="pending", allocated=True), order(9, payment="paid")], at(9)),
        ([order(0, payment="paid", allocated=False), parcel(9, dispatched_at=at(7))], at(7)),
        ([order(0, payment="paid", allocated=False), scan(9, "picked_up")], at(9)),
        ([order(0, payment="paid", allocated=False), scan(9, "label_created")], None),
        ([order(0, payment="paid"), order(9, allocated=False)], at(0)),
    ],
    ids=[
        "paid is enough where nobody speaks of stock",
        "unpaid",
        "stock awaited",
        "stock came",
        "money came",
        "dispatch proves stock",
        "a scan proves stock",
        "a label does not",
        "stays confirmed",
    ],
)
def test_confirmed_needs_paid_and_allocated(story: list[Heard], confirmed_at: datetime | None) -> None:
    subject = tell(*story)
    assert subject.state.facts.order.confirmed_at == confirmed_at
    assert ("order.confirmed" in subject.types()) is (confirmed_at is not None)


def test_silence_and_redaction_erase_nothing() -> None:
    full = Party(name="髙橋 花子", email="hanako@example.jp", phone="+81312345678")
    line = Line(id="1", name="tea", quantity=2)
    subject = tell(
        order(0, orderer=full, lines=(line,), source_notified=("order.created",)),
        order(9, orderer=Party(customer_id="c1"), source_notified=("shipment.dispatched",)),
        order(19, number="1001"),
    )
    known = subject.state.facts.order
    assert known.orderer == Party(name="髙橋 花子", email="hanako@example.jp", phone="+81312345678", customer_id="c1")
    assert known.lines == (line,)
    assert known.source_notified == {"order.created", "shipment.dispatched"}


def test_of_one_second_the_one_further_along_counts() -> None:
    created, paid = order(0, placed_at=at(0), payment="pending"), order(0, placed_at=at(0), payment="paid")
    for story in ([created, paid], [paid, created]):
        assert tell(*story).state.facts.order.payment == "paid"


def test_of_two_words_said_at_once_the_same_one_counts_always() -> None:
    one, other = order(0, cancel_reason="customer"), order(0, cancel_reason="stock")
    reasons = {tell(*story).state.facts.order.cancel_reason for story in ([one, other], [other, one])}
    assert len(reasons) == 1


def test_what_nobody_named_moves_when_the_parcel_it_is_about_is_heard_of() -> None:
    boxes = tell(parcel(0, "B"), parcel(1, None, dispatched_at=at(1)), parcel(2, "A")).state.facts.shipments
    assert {key: box.dispatched_at for key, box in boxes.items()} == {"A": at(1), "B": None}


def test_a_return_keeps_what_it_was_told() -> None:
    tea = Packed(quantity=1, sku="tea")
    (back,) = tell(
        money_back(0, requested_at=at(0), contents=(tea,), reason="broken"),
        money_back(9, received_at=at(9)),
    ).state.facts.returns.values()
    assert (back.requested_at, back.received_at, back.contents, back.reason) == (
        at(0),
        at(9),
        (tea,),
        "broken",
    )


def test_the_log_is_read_again_only_for_what_comes_late() -> None:
    first, second, third = order(0, payment="pending"), order(9, payment="paid"), parcel(19)
    assert tell(first, second, third).reread == 0
    assert hear([[third, first, second]]).reread == 0
    assert tell(first, third, second).reread == 1
