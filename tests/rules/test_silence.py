"""Whom nobody writes to, and by whose word."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from engine.contracts import OrderSeen, Reading, Routed, ShipmentSeen
from engine.model.customer import Party
from engine.model.facts import Facts
from engine.model.order import Order
from engine.model.returns import Return
from engine.model.shipment import Shipment
from engine.rules.fold import Heard, fold
from engine.rules.silence import advice, hushed, only_to_customers, silence
from tests.flow.house import texts
from tests.flow.orders import back, order, parcel


@pytest.mark.parametrize(
    ("usual", "config", "silent"),
    [("yes", {}, None), ("no", {}, True), ("no", {"notify": "yes"}, False), ("yes", {"notify": "no"}, True),
     ("yes", {"notify": "yes"}, False), ("no", {"notify": "no"}, True)],
)  # fmt: skip
def test_the_connection_outweighs_the_source(usual: Any, config: dict[str, str], silent: bool | None) -> None:
    read = hushed(
        Reading(observations=(order(), parcel()), routed=(Routed(route="a", observations=(order(),)),)), usual, config
    )
    orders = [one for one in (*read.observations, *read.routed[0].observations) if isinstance(one, OrderSeen)]
    assert [one.silent for one in orders] == [silent, silent]
    assert [one.silent for one in read.observations if isinstance(one, ShipmentSeen)] == [None]


def test_what_an_order_says_of_itself_stands() -> None:
    read = hushed(Reading(observations=(order(silent=True), order(silent=False))), "no", {"notify": "yes"})
    assert [one.silent for one in read.observations] == [True, False]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("email", "relay"),
    [("k3@marketplace.amazon.co.jp", True), ("k3@MARKETPLACE.AMAZON.COM", True), ("x@pc.fw.rakuten.ne.jp", True),
     ("x@fw.rakuten.ne.jp", True), ("naoko@rakuten.ne.jp", False), ("x@marketplace.amazon.co.jp.example", False),
     ("x@notmarketplace.amazon.com", False), ("naoko@example.jp", False), (None, False), ("", False)],
)  # fmt: skip
def test_a_marketplaces_relay_is_not_written_to_until_somebody_allows_it(email: str | None, relay: bool) -> None:
    facts = Facts(order=Order(orderer=Party(email=email)))
    assert (silence(facts, email=email) is not None) == relay
    assert silence(replace(facts, order=replace(facts.order, silent=False)), email=email) is None


def test_a_parcel_and_a_return_may_be_silent_alone() -> None:
    facts = Facts(
        shipments={"s1": Shipment(key="s1", silent=True), "s2": Shipment(key="s2")},
        returns={"r1": Return(key="r1", silent=True)},
    )
    assert silence(facts) is None
    assert silence(facts, shipment="s2") is None
    assert silence(facts, shipment="s1") is not None
    assert silence(facts, return_="r1") is not None


def test_the_last_word_holds_and_silence_about_it_is_no_word() -> None:
    said = [order(-5, silent=True), order(-4), parcel(-3, silent=True), parcel(-2), back(-1, silent=True), back(0)]
    facts = fold([Heard(connection="c", seen=one) for one in said], {"shipment:c:s1": "s1", "return:c:r1": "r1"})
    assert (facts.order.silent, facts.shipments["s1"].silent, facts.returns["r1"].silent) == (True, True, True)
    facts = fold([Heard(connection="c", seen=one) for one in (*said, order(1, silent=False))], {})
    assert facts.order.silent is False


def test_whoever_connects_such_a_source_is_told() -> None:
    assert advice("c", {}) is None
    assert advice("c", {"notify": "yes"}) is None
    assert "connections set c notify=yes" in (advice("c", {"notify": "no"}) or "")


def test_journeys_that_only_write_to_customers_are_known() -> None:
    journey = texts()[0]["order_confirmed"]
    assert only_to_customers(journey)
    steps = [
        step.model_copy(update={"via": ("email", "team")}) if hasattr(step, "via") else step for step in journey.steps
    ]
    assert not only_to_customers(journey.model_copy(update={"steps": tuple(steps)}))
