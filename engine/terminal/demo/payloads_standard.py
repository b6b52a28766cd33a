"""What the shop's own order system posts: CloudEvents with our observations inside, returns in all their stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.model.shipment import Status
from engine.terminal.demo.cast import Item, Person
from engine.terminal.demo.post import Post, as_json, iso
from engine.terminal.demo.purchase import Purchase, worth

SOURCE = "https://orders.hanare.example.com/"
NOT_AT_HOME: Mapping[Status, Mapping[str, str]] = {"delivery_failed": {"reason": "consignee_not_home"}}


def tell(bought: Purchase) -> Iterator[Post]:
    """Every event about the purchase."""
    yield _post(bought, "order.created", bought.placed_at, {**_order(bought), "payment": "pending"})
    yield _post(bought, "order.paid", bought.paid_at, {"payment": "paid", "paid_at": iso(bought.paid_at)})
    if bought.cancelled_at:
        reason = {"cancelled_at": iso(bought.cancelled_at), "cancel_reason": "customer"}
        yield _post(bought, "order.cancelled", bought.cancelled_at, reason)
    for place, parcel in enumerate(bought.parcels):
        ref = {"shipment_id": f"{bought.number}-{place + 1}", "tracking_number": parcel.number}
        yield _post(bought, "shipment.dispatched", parcel.sent_at, {
            "dispatched_at": iso(parcel.sent_at), "carrier": parcel.carrier, "siblings": len(bought.parcels),
            "contents": _contents(parcel.contents), "eta_from": iso(parcel.eta - timedelta(hours=2)),
            "eta_until": iso(parcel.eta),
        }, ref)  # fmt: skip
        for at, status in parcel.scans:
            said = {"place": bought.recipient.home.city, **NOT_AT_HOME.get(status, {})}
            yield _post(bought, f"shipment.{status}", at, said, ref)
    if bought.back:
        back = bought.back
        goods: dict[str, Any] = {"contents": _contents(back.contents), "reason": "色味が思っていたものと違ったため"}
        ref = {"return_id": f"{bought.number}-R1"}
        yield _post(bought, "return.requested", back.requested_at, goods, ref)
        yield _post(bought, "return.received", back.received_at, goods, ref)
        money = {"amount": str(worth(back.contents)), "currency": "JPY"}
        yield _post(bought, "return.refunded", back.refunded_at, {**goods, "amount": money}, ref)


def _post(
    bought: Purchase, kind: str, at: datetime, data: Mapping[str, Any], ref: Mapping[str, str] | None = None
) -> Post:
    name = "-".join([bought.number, kind, *(ref or {}).values(), f"{at:%m%d%H%M}"])
    event = {
        "specversion": "1.0", "id": name, "source": SOURCE, "type": f"com.example.hanare.{kind}.v1", "time": iso(at),
        "datacontenttype": "application/json",
        "data": {**data, "ref": {"order_id": bought.number, "order_number": bought.number, **(ref or {})}},
    }  # fmt: skip
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    return Post(at=at, source="standard", body=as_json(event), id=name, headers=headers)


def _order(bought: Purchase) -> dict[str, Any]:
    return {
        "placed_at": iso(bought.placed_at),
        "lines": [
            {
                "id": item.sku, "sku": item.sku, "name": item.name, "variant": item.variant, "quantity": units,
                "price": {"amount": str(item.price), "currency": "JPY"},
            }
            for item, units in bought.basket
        ],
        "orderer": {**_party(bought.buyer), "email": bought.buyer.email, "accepts_marketing": bought.buyer.consents},
        "recipient": _party(bought.recipient),
        "total": {"amount": str(bought.total), "currency": "JPY"},
    }  # fmt: skip


def _contents(contents: tuple[tuple[Item, int], ...]) -> list[dict[str, Any]]:
    return [{"sku": item.sku, "quantity": units} for item, units in contents]


def _party(person: Person) -> dict[str, Any]:
    home = person.home
    return {
        "name": person.name, "phone": person.phone, "locale": person.locale,
        "address": {
            "name": person.name, "postal_code": home.postal_code, "country": home.country,
            "region": home.prefecture, "city": home.city, "line1": home.line1, "line2": home.line2 or None,
        },
    }  # fmt: skip
