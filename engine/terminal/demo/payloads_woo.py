"""What WooCommerce posts about a purchase. It knows no parcels of its own and never hears of a delivery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.terminal.demo.cast import Person
from engine.terminal.demo.post import Post, as_json
from engine.terminal.demo.purchase import TOKYO, Purchase

DONE_AFTER = timedelta(hours=4)  # the shop closes an order in the evening, after the warehouse has sent its file


def tell(bought: Purchase) -> Iterator[Post]:
    """Every webhook about the purchase: created, paid, completed or cancelled."""
    yield _post(bought, "order.created", bought.placed_at, "on-hold" if bought.kind == "transfer" else "pending")
    yield _post(bought, "order.updated", bought.paid_at, "processing")
    if bought.cancelled_at:
        yield _post(bought, "order.updated", bought.cancelled_at, "cancelled")
    if bought.parcels:
        done = completed_at(bought)
        yield _post(bought, "order.updated", done, "completed")
        yield _post(bought, "order.updated", done + timedelta(minutes=1), "completed")  # somebody saved it again


def completed_at(bought: Purchase) -> datetime:
    """When the shop closes the order."""
    return max(parcel.sent_at for parcel in bought.parcels) + DONE_AFTER


def _post(bought: Purchase, topic: str, at: datetime, status: str) -> Post:
    name = f"{bought.number}-{at:%m%d%H%M%S}"
    headers = {
        "content-type": "application/json", "x-wc-webhook-topic": topic, "x-wc-webhook-id": "1",
        "x-wc-webhook-source": "https://hanare.example.com/", "x-wc-webhook-delivery-id": name,
    }  # fmt: skip
    return Post(at=at, source="woocommerce", body=as_json(order(bought, at, status)), id=name, headers=headers)


def order(bought: Purchase, at: datetime, status: str) -> dict[str, Any]:
    """The order as it stands at that time, in the status of that name."""
    paid = at >= bought.paid_at
    return {
        "id": int(bought.number), "number": bought.number, "status": status, "currency": "JPY",
        "prices_include_tax": True, **_times("date_created", bought.placed_at), **_times("date_modified", at),
        **_times("date_paid", bought.paid_at if paid else None),
        **_times("date_completed", completed_at(bought) if status == "completed" else None),
        "total": str(bought.total), "total_tax": str(bought.total // 11), "customer_id": 500 + bought.seq,
        "billing": {**_address(bought.buyer), "email": bought.buyer.email, "phone": bought.buyer.phone},
        "shipping": _address(bought.recipient),
        "payment_method": "bacs" if bought.kind == "transfer" else "stripe",
        "payment_method_title": "銀行振込" if bought.kind == "transfer" else "クレジットカード",
        "meta_data": _trackings(bought) if status == "completed" else [],
        "line_items": [
            {
                "id": int(bought.number) * 10 + place, "name": _name(item.name, item.variant), "sku": item.sku,
                "quantity": units, "total": str(item.price * units - item.price * units // 11),
                "total_tax": str(item.price * units // 11), "price": item.price,
            }
            for place, (item, units) in enumerate(bought.basket)
        ],
        "refunds": [],
    }  # fmt: skip


def _trackings(bought: Purchase) -> list[dict[str, Any]]:
    items = [
        {
            "tracking_provider": "", "custom_tracking_provider": parcel.carrier, "custom_tracking_link": "",
            "tracking_number": parcel.number, "date_shipped": str(int(parcel.sent_at.timestamp())),
            "tracking_id": f"t{parcel.number}",
        }
        for parcel in bought.parcels
    ]  # fmt: skip
    return [{"id": 1, "key": "_wc_shipment_tracking_items", "value": items}]


def _times(name: str, at: datetime | None) -> dict[str, str | None]:
    """Local time, and the same in UTC under its own name; neither says which it is."""
    local = at.astimezone(TOKYO).replace(tzinfo=None).isoformat(timespec="seconds") if at else None
    world = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") if at else None
    return {name: local, f"{name}_gmt": world}


def _name(name: str, variant: str | None) -> str:
    return f"{name} &ndash; {variant}" if variant else name


def _address(person: Person) -> dict[str, str]:
    home = person.home
    return {
        "first_name": person.given, "last_name": person.family, "company": "", "address_1": home.line1,
        "address_2": home.line2, "city": home.city, "state": home.code.replace("-", ""),
        "postcode": home.postal_code, "country": home.country,
    }  # fmt: skip
