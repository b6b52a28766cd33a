"""Which order is spoken of, when only names connect what sources say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.contracts import OrderSeen, Ref, ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.facts import Facts, State
from engine.model.order import Order
from engine.rules.belong import may_be, names, number, same_order

AT = datetime(2026, 11, 24, tzinfo=UTC)


def test_names_come_with_the_orders_own_first():
    ref = Ref(order_id="5", shipment_id="9", tracking_number="1234-5678-9012")
    seen = ShipmentSeen(ref=ref, as_of=AT)
    assert names("shop", seen) == ["order:shop:5", "shipment:shop:9", "tracking:123456789012"]


def test_a_placeholder_is_no_name():
    assert names("shop", ScanSeen(ref=Ref(tracking_number="-"), as_of=AT, status="in_transit")) == []


@pytest.mark.parametrize("typed", ["#1001", "1001", " #１００１ "])
def test_a_number_is_found_however_it_is_typed(typed: str):
    assert number(OrderSeen(ref=Ref(order_number=typed), as_of=AT)) == "1001"


@pytest.mark.parametrize(
    ("ids", "others", "same"),
    [
        ({"order:shop:1"}, {"order:shop:1"}, True),
        ({"order:shop:1"}, {"order:shop:2"}, False),
        ({"order:shop:1"}, {"order:oms:7"}, True),  # two systems call one order by their own ids
        ({"order:shop:1", "order:oms:7"}, {"order:oms:8"}, False),
        (set(), {"order:shop:1"}, True),
    ],
)
def test_one_connection_calls_an_order_by_one_id(ids: set[str], others: set[str], same: bool):
    assert same_order(ids, others) is same
    assert same_order(others, ids) is same


def test_the_same_number_of_another_person_is_another_order():
    state = State(facts=Facts(order=Order(number="#1001", orderer=Party(email="a@example.jp"))))
    theirs = OrderSeen(ref=Ref(order_number="1001"), as_of=AT, orderer=Party(email="b@example.jp"))
    ours = OrderSeen(ref=Ref(order_number="1001"), as_of=AT, orderer=Party(email="A@EXAMPLE.jp"))
    assert not may_be(state, set(), "oms", theirs)
    assert may_be(state, set(), "oms", ours)
