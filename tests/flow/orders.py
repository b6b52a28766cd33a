"""Observations of one order as tests tell them: #1001 of Naoko, two cups."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from engine.contracts import OrderSeen, Ref, ReturnSeen, ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.order import Line, Money
from tests.flow.house import START

NAOKO = Party(name="髙橋 直子", email="naoko@example.com", locale="ja-JP")
CUPS = (Line(id="a", name="湯呑", quantity=2, price=Money(amount="4400", currency="JPY")),)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def order(minutes: float = -5, number: str = "#1001", **said: Any) -> OrderSeen:
    known: dict[str, Any] = {
        "placed_at": at(-6), "payment": "paid", "lines": CUPS, "orderer": NAOKO,
        "total": Money(amount="8800", currency="JPY"),
    }  # fmt: skip
    ref = Ref(order_id=number.lstrip("#"), order_number=number)
    return OrderSeen(ref=ref, as_of=at(minutes), **(known | said))


def parcel(minutes: float = -3, number: str = "#1001", name: str = "s1", **said: Any) -> ShipmentSeen:
    ref = Ref(order_id=number.lstrip("#"), shipment_id=name, tracking_number=f"4000-{number.lstrip('#')}-{name}")
    known = {"dispatched_at": at(minutes), "carrier": "yamato", "carrier_name": "ヤマト運輸"}
    return ShipmentSeen(ref=ref, as_of=at(minutes), **(known | said))


def scan(minutes: float, status: Any, number: str = "#1001", name: str = "s1", **said: Any) -> ScanSeen:
    return ScanSeen(ref=Ref(order_id=number.lstrip("#"), shipment_id=name), as_of=at(minutes), status=status, **said)


def back(minutes: float, number: str = "#1001", **said: Any) -> ReturnSeen:
    return ReturnSeen(ref=Ref(order_id=number.lstrip("#"), return_id="r1"), as_of=at(minutes), **said)
