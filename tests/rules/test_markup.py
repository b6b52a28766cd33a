"""Schema.org in mails: what is known, nothing invented, and nothing that breaks out of its script."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from engine.model.customer import Address, Party
from engine.model.facts import Facts
from engine.model.merchant import Merchant
from engine.model.order import Line, Money, Order
from engine.model.shipment import Packed, Shipment
from engine.rules.markup import markup

AT = datetime(2026, 11, 22, tzinfo=UTC)
HOME = Address(postal_code="150-0001", country="JP", region="東京都", city="渋谷区", line1="神宮前0-0-0")
ORDER = Order(
    number="#1001", placed_at=AT, confirmed_at=AT, total=Money(amount="4400", currency="JPY"),
    lines=(Line(id="a", name="湯呑 </script><b>", quantity=2, price=Money(amount="2200", currency="JPY")),),
    orderer=Party(name="髙橋 直子", email="naoko@example.com", address=HOME),
    recipient=Party(name="髙橋 直子", address=HOME),
)  # fmt: skip
PARCEL = Shipment(
    key="p1", dispatched_at=AT, carrier="yamato", number="400012345678", eta_until=AT,
    contents=(Packed(name="湯呑", quantity=2),), status="in_transit",
)  # fmt: skip
MERCHANT = Merchant(id=1, slug="hana", name="花と器")


def things(facts: Facts, whole: bool = False, shipment: str | None = None) -> list[dict]:
    text = str(markup(facts, MERCHANT, shipment=shipment, url="https://t.example/t/x", locale="ja", whole=whole))
    if not text:
        return []
    (inner,) = re.fullmatch(r'<script type="application/ld\+json">(.*)</script>', text, re.DOTALL).groups()
    assert "<" not in inner
    found = json.loads(inner)
    return found if isinstance(found, list) else [found]


def test_an_order_and_its_parcel():
    order, parcel = things(Facts(order=ORDER, shipments={"p1": PARCEL}))
    assert order["@type"] == "Order"
    assert (order["orderNumber"], order["price"], order["priceCurrency"]) == ("#1001", "4400", "JPY")
    assert order["orderStatus"] == "http://schema.org/OrderInTransit"
    assert order["acceptedOffer"][0]["itemOffered"]["name"] == "湯呑 </script><b>"
    assert parcel["carrier"]["name"] == "ヤマト運輸"
    assert parcel["trackingNumber"] == "400012345678"
    assert parcel["partOfOrder"]["orderNumber"] == "#1001"
    assert parcel["itemShipped"]


def test_the_address_is_as_short_as_it_can_be_unless_the_merchant_wants_it_whole():
    facts = Facts(order=ORDER, shipments={"p1": PARCEL})
    short, whole = things(facts)[1]["deliveryAddress"], things(facts, whole=True)[1]["deliveryAddress"]
    assert short == {"@type": "PostalAddress", "addressLocality": "渋谷区", "addressRegion": "東京都",
                     "addressCountry": "JP"}  # fmt: skip
    assert (whole["streetAddress"], whole["postalCode"], whole["name"]) == ("神宮前0-0-0", "150-0001", "髙橋 直子")


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        (Facts(order=replace(ORDER, total=None)), []),
        (Facts(order=replace(ORDER, number=None)), []),
        (Facts(order=replace(ORDER, lines=())), []),
        (Facts(order=ORDER), ["Order"]),
        (Facts(order=ORDER, shipments={"p1": replace(PARCEL, carrier=None)}), ["Order"]),
        (Facts(order=replace(ORDER, recipient=None, orderer=None), shipments={"p1": PARCEL}), ["Order"]),
        (Facts(order=ORDER, shipments={"p1": replace(PARCEL, dispatched_at=None, status="pending")}), ["Order"]),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_out(facts, kinds):
    assert [one["@type"] for one in things(facts)] == kinds


def test_a_mail_about_one_parcel_tells_only_of_that():
    facts = Facts(order=ORDER, shipments={"p1": PARCEL, "p2": replace(PARCEL, key="p2", number="400012345679")})
    assert [one["trackingNumber"] for one in things(facts, shipment="p2")[1:]] == ["400012345679"]
