"""Orders whose customers are not written to: nothing starts, nothing leaves, and the ledger says why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from engine.contracts import Ref, ShipmentSeen
from engine.flow.accept import keep
from engine.model.customer import Party
from engine.store import merchants
from tests.flow.house import House
from tests.flow.orders import at, order, parcel

UNWANTED = "its source does not want its customers written to; notify=yes on the connection allows it"
RELAY = "the address is a marketplace's, which forbids it; notify=yes on the connection allows it"


@pytest.fixture
def house(database: Any, tmp_path: Any) -> Any:
    made = House(tmp_path)
    yield made
    made.close()


def amazon(number: str = "250-1234567-7654321", **changes: Any) -> bytes:
    told = {
        "orderId": number, "createdTime": at(-6).isoformat(), "lastUpdatedTime": at(-5).isoformat(),
        "salesChannel": {"channelName": "AMAZON"}, "fulfillment": {"fulfillmentStatus": "SHIPPED"},
        "buyer": {"buyerName": "髙橋 直子", "buyerEmail": "k3@marketplace.amazon.co.jp"},
        "orderItems": [{"orderItemId": "7", "quantityOrdered": 1, "product": {"title": "湯呑"}}], **changes,
    }  # fmt: skip
    return json.dumps({"order": told}).encode()


def told(house: House, body: bytes, connection: str) -> None:
    keep(house.app, [house.raw(body, connection)])
    house.work()


def not_started(house: House) -> set[str | None]:
    return {reason for decision, reason in house.why() if decision == "not started"}


def test_a_marketplaces_order_is_followed_and_nobody_is_written_to(house: House) -> None:
    house.connect("amazon", "amazon")
    told(house, amazon(), "amazon")
    assert house.statuses() == {}
    assert not_started(house) == {UNWANTED}
    assert house.rows("SELECT count(*) AS n FROM event")[0].n >= 3  # created, paid, dispatched


def test_what_the_connection_allows_is_written_but_not_what_the_marketplace_says_itself(house: House) -> None:
    house.connect("amazon", "amazon", config={"notify": "yes"})
    told(house, amazon(), "amazon")
    ends = {name.partition("/")[0]: status for name, status in house.statuses().items()}
    assert ends == {"order_confirmed": "cancelled", "shipped": "suppressed"}  # it had left when we heard of it
    assert ("suppressed", "the shop has written about shipment.dispatched itself") in house.why()


def test_any_connection_can_be_told_to_write_to_nobody_and_told_otherwise_later(house: House) -> None:
    house.connect("quiet", "standard", config={"notify": "no"})
    house.tell(order(), connection="quiet")
    house.work()
    assert (house.statuses(), not_started(house)) == ({}, {UNWANTED})
    with house.app.store.begin() as tx:
        known = merchants.connection(tx, "quiet")
        assert known is not None
        merchants.reconnect(tx, replace(known, config={"notify": "yes"}))
    house.tell(order(-2, "#1001"), parcel(-1, "#1001"), connection="quiet")
    house.tell(order(-2, "#1002"), connection="quiet")
    house.work()
    sent = {name.partition("/")[0]: status for name, status in house.statuses().items()}
    assert sent == {"shipped": "sent", "order_confirmed": "sent"}  # of what was over before, nothing


def test_what_was_planned_before_the_order_became_silent_does_not_leave(house: House) -> None:
    house.tell(order(orderer=Party(name="髙橋 直子")))  # waits for an address
    house.work()
    assert set(house.statuses().values()) == {"planned"}
    house.tell(order(-1, silent=True))
    house.later(minutes=1)
    assert set(house.statuses().values()) == {"suppressed"}
    assert ("suppressed", UNWANTED) in house.why()


def test_a_relay_address_is_not_written_to_whoever_brings_it(house: House) -> None:
    relay = Party(name="髙橋 直子", email="k3@marketplace.amazon.co.jp")
    house.tell(order(orderer=relay))
    house.work()
    assert (house.statuses(), not_started(house)) == ({}, {RELAY})
    house.connect("allowed", "standard", config={"notify": "yes"})
    house.tell(order(number="#1002", orderer=relay), connection="allowed")
    house.work()
    assert set(house.statuses().values()) == {"sent"}


def test_of_two_parcels_only_the_one_that_may_be_told_is_told(house: House) -> None:
    house.tell(order(), parcel(-3, name="s1", silent=True), parcel(-2, name="s2"))
    house.work()
    sent = {name: status for name, status in house.statuses().items() if name.startswith("shipped/")}
    assert sent == {next(iter(sent)): "sent"}
    assert "shipment/s2" in next(iter(sent))
    assert "the shop wants nobody written to about this parcel" in not_started(house)


def test_a_parcel_that_is_silent_before_its_order_is_known_stays_so(house: House) -> None:
    house.tell(ShipmentSeen(ref=Ref(shipment_id="s1"), as_of=at(-4), silent=True))
    house.tell(order(), parcel(-3, name="s1"))
    house.work()
    assert not [name for name in house.statuses() if name.startswith("shipped/")]


def test_parcels_that_a_marketplace_sends_for_a_shop_are_told(house: House) -> None:
    house.connect("amazon", "amazon")
    house.tell(order())
    house.work()
    shipment = {
        "FulfillmentShipmentStatus": "SHIPPED",
        "AmazonShipmentId": "D1",
        "FulfillmentShipmentPackages": [
            {"PackageNumber": 1, "CarrierCode": "Yamato", "TrackingNumber": "441122330011"}
        ],
    }
    told_of = {
        "SellerFulfillmentOrderId": "1001",
        "StatusUpdatedDateTime": at(-1).isoformat(),
        "FulfillmentShipment": shipment,
    }
    body = {"NotificationType": "FULFILLMENT_ORDER_STATUS", "Payload": {"FulfillmentOrderStatusNotification": told_of}}
    told(house, json.dumps(body).encode(), "amazon")
    sent = {name.partition("/")[0]: status for name, status in house.statuses().items()}
    assert sent == {"order_confirmed": "sent", "shipped": "sent"}
