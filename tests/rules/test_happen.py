"""What is told when: the events that follow from the facts."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.model.event import EVENT_TYPES, REPEATING
from engine.model.order import Line, Money
from engine.model.shipment import Packed
from engine.rules.fold import Heard
from engine.rules.happen import SCAN_EVENTS, delivered_at
from tests.rules.hearing import Subject, at, hear, money_back, order, parcel, scan, tell

TEA = (Line(id="t", name="tea", quantity=2),)
SENT = parcel(1, "F1", "111", dispatched_at=at(1))


def _box(n: int, *, units: int | None = 1, siblings: int | None = None) -> Heard:
    contents = None if units is None else (Packed(quantity=units, line_id="t"),)
    return parcel(n, f"F{n}", str(n) * 3, dispatched_at=at(n), contents=contents, siblings=siblings)


def test_a_usual_order() -> None:
    subject = tell(
        order(0, placed_at=at(0), payment="pending", lines=TEA),
        order(3, payment="paid"),
        parcel(60, "F1", "111", dispatched_at=at(50)),
        scan(70, "picked_up"),
        scan(500, "out_for_delivery"),
        scan(600, "delivered"),
    )
    assert [(event.type, event.occurred_at) for event in subject.told] == [
        ("order.created", at(0)),
        ("order.paid", at(3)),
        ("order.confirmed", at(3)),
        ("shipment.dispatched", at(50)),
        ("shipment.picked_up", at(70)),
        ("shipment.out_for_delivery", at(500)),
        ("shipment.delivered", at(600)),
        ("order.delivered", at(600)),
    ]
    assert {event.shipment for event in subject.told if event.type.startswith("shipment.")} == {"F1"}


@pytest.mark.parametrize(
    ("story", "arrived"),
    [
        ([], None),
        ([_box(1)], None),
        ([_box(1), scan(90, "delivered", "111")], None),
        ([_box(1), _box(2), scan(90, "delivered", "111")], None),
        ([_box(1), _box(2), scan(90, "delivered", "111"), scan(95, "delivered", "222")], at(95)),
        ([_box(1, units=None, siblings=2), scan(90, "delivered", "111")], None),
        ([_box(1, units=None), scan(90, "delivered", "111")], at(90)),
        ([_box(1), order(5, cancelled_at=at(5)), scan(90, "delivered", "111")], at(90)),
        ([_box(1), _box(2), scan(90, "delivered", "111"), scan(95, "lost", "222")], None),
        ([_box(1, units=2), scan(90, "return_to_sender", "111"), scan(99, "delivered", "111")], None),
        ([_box(1, units=2), scan(90, "delivered", "111"), scan(999, "picked_up", "111")], at(90)),
        ([_box(1, units=2), scan(90, "delivered", "111"), parcel(99, "back", leg=2)], at(90)),
    ],
    ids=[
        "no parcel",
        "on its way",
        "a unit unshipped",
        "one of two",
        "both",
        "a sibling missing",
        "contents unknown",
        "rest cancelled",
        "one lost",
        "to the sender",
        "and back again",
        "a return parcel beside it",
    ],
)
def test_order_delivered(story: list[Heard], arrived: datetime | None) -> None:
    subject = tell(order(0, lines=TEA), *story)
    assert delivered_at(subject.state.facts) == arrived
    assert ("order.delivered" in subject.types()) is (arrived is not None)


def test_late_delivered_before_dispatched() -> None:
    subject = tell(scan(90, "delivered"), parcel(99, "F1", "111", dispatched_at=at(1)), scan(50, "in_transit"))
    told = [event.key for event in subject.told if event.shipment]
    assert told == ["shipment.delivered/111", "shipment.dispatched/111", "shipment.in_transit/111"]


def test_each_failed_attempt_is_told_and_each_report_of_it_once() -> None:
    subject = tell(
        SENT,
        scan(90, "delivery_failed"),
        scan(90, "delivery_failed", source="other"),
        scan(900, "out_for_delivery"),
        scan(950, "delivery_failed"),
        scan(950.5, "delivery_failed", source="other", text="ご不在"),
    )
    assert subject.types().count("shipment.delivery_failed") == 2


def test_noise_after_delivery_is_kept_quiet() -> None:
    subject = tell(SENT, scan(90, "delivered"), scan(95, "out_for_delivery"), scan(99, "delivered"))
    assert subject.types() == ["shipment.dispatched", "shipment.delivered", "order.delivered"]
    assert len(subject.only_parcel().scans) == 3


def test_a_way_back_is_not_delivered_to_anybody() -> None:
    refused = tell(SENT, scan(90, "return_to_sender"), scan(95, "in_transit"), scan(99, "delivered"))
    assert refused.types() == ["shipment.dispatched", "shipment.returning", "shipment.returned"]
    again = tell(SENT, scan(90, "delivered"), scan(900, "picked_up"), scan(950, "delivered"))
    assert again.types() == [
        "shipment.dispatched",
        "shipment.delivered",
        "order.delivered",
        "shipment.returning",
        "shipment.returned",
    ]


def test_a_dispatch_taken_back_and_done_again_is_another_one() -> None:
    subject = tell(
        parcel(0, dispatched_at=at(0)),
        parcel(5, reverted=True),
        parcel(6, reverted=True),
        parcel(9, dispatched_at=at(-30)),
        parcel(12, dispatched_at=at(-30)),
    )
    assert [(event.type, event.occurred_at) for event in subject.told] == [
        ("shipment.dispatched", at(0)),
        ("shipment.dispatch_reverted", at(5)),
        ("shipment.dispatched", at(5)),
    ]
    assert len({event.key for event in subject.told}) == 3


def test_a_dispatch_that_never_was_is_not_taken_back() -> None:
    assert tell(parcel(0), parcel(5, reverted=True)).told == []


def test_a_cancelled_parcel() -> None:
    assert tell(parcel(0), parcel(5, cancelled_at=at(5))).types() == ["shipment.cancelled"]
    moving = tell(parcel(0, "F1", "111"), scan(3, "in_transit"), parcel(5, "F1", cancelled_at=at(5)))
    assert moving.types() == ["shipment.in_transit"]


def test_payment_failure_hold_and_cancellation() -> None:
    subject = tell(
        order(0, payment="failed"),
        order(3, on_hold=True, payment="pending"),
        order(5, on_hold=False),
        order(9, cancelled_at=at(8)),
    )
    assert [(event.type, event.occurred_at) for event in subject.told] == [
        ("order.payment_failed", at(0)),
        ("order.on_hold", at(3)),
        ("order.cancelled", at(8)),
    ]


def _yen(amount: str, currency: str = "JPY") -> Money:
    return Money(amount=amount, currency=currency)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ([money_back(5, amount=_yen("300"), refunded_at=at(5))], ["order.partially_refunded"]),
        ([money_back(5, amount=_yen("1000"), refunded_at=at(5))], ["order.refunded"]),
        ([money_back(5, amount=_yen("1000", "USD"), refunded_at=at(5))], ["order.partially_refunded"]),
        ([money_back(5, amount=_yen("n/a"), refunded_at=at(5))], ["order.partially_refunded"]),
        (
            [money_back(5, refunded_at=at(5)), order(6, payment="refunded")],
            ["order.partially_refunded", "order.refunded"],
        ),
        (
            [money_back(n, f"R{n}", amount=_yen("500"), refunded_at=at(n)) for n in (5, 6)],
            ["order.partially_refunded", "order.refunded"],
        ),
        ([order(5, payment="partially_refunded")], ["order.partially_refunded"]),
        ([order(5, payment="refunded")], ["order.refunded"]),
        ([money_back(5, requested_at=at(5))], ["return.requested"]),
    ],
)
def test_money_back(story: list[Heard], told: list[str]) -> None:
    subject = tell(order(0, payment="paid", total=_yen("1000")), *story)
    after = [event for event in subject.told if event.type not in {"order.paid", "order.confirmed", "return.refunded"}]
    assert [event.type for event in after] == told


def test_stages_of_a_return_are_told_only_when_goods_come_back() -> None:
    stages = [money_back(n, **{at_: at(n)}) for n, at_ in enumerate(("requested_at", "approved_at", "received_at"))]
    assert tell(*stages).types() == ["return.requested", "return.approved", "return.received"]
    assert tell(money_back(5, goods="kept", requested_at=at(5), received_at=at(5))).types() == []


def test_two_names_of_one_parcel_tell_nothing_twice() -> None:
    """Shop and warehouse each report the dispatch before anything shows that it is one parcel; what
    happened to it under the name that is given up does not happen again."""
    subject = tell(
        parcel(0, "F1", dispatched_at=at(0)),
        parcel(1, None, "111", source="warehouse", dispatched_at=at(1)),
        scan(90, "delivered"),
        parcel(95, "F1", "111"),
    )
    told = [event.key for event in subject.told if event.shipment]
    assert told == ["shipment.dispatched/F1", "shipment.dispatched/111", "shipment.delivered/111"]
    assert subject.only_parcel().delivered_at == at(90)


def test_hearing_twice_tells_nothing() -> None:
    subject = Subject()
    assert subject.hear(SENT, SENT) != []
    assert subject.hear(SENT) == []
    assert len(subject.log) == 1
    assert hear([[SENT], []]).state == subject.state


def test_every_event_has_its_type() -> None:
    assert set(SCAN_EVENTS.values()) <= set(EVENT_TYPES)
    assert set(EVENT_TYPES) >= REPEATING


def test_parcels_that_hold_something_together_bring_no_delivery_of_what_is_still_to_come() -> None:
    lines = (*TEA, Line(id="c", name="cup", quantity=1))
    both = (Packed(quantity=2, line_id="t"),)
    subject = tell(
        order(0, lines=lines),
        parcel(1, "F1", "111", dispatched_at=at(1), contents=both),
        parcel(1, "F1-2", "222", dispatched_at=at(1), contents=()),
        scan(2, "delivered", "111"),
        scan(3, "delivered", "222"),
    )
    assert delivered_at(subject.state.facts) is None
    subject.hear(parcel(4, "F2", "333", dispatched_at=at(4), contents=(Packed(quantity=1, line_id="c"),)))
    subject.hear(scan(5, "delivered", "333"))
    assert delivered_at(subject.state.facts) == at(5)
