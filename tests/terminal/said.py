"""What a shop says, in our own observation schema, at times that count back from now."""

from datetime import UTC, datetime, timedelta
from typing import Any


def ago(**since: float) -> str:
    return (datetime.now(UTC) - timedelta(**since)).isoformat()


Body = dict[str, Any]


def order(number: str = "#1001", **more: Any) -> Body:
    """What a shop says of a paid order."""
    return {
        "kind": "order", "ref": {"order_id": number.strip("#"), "order_number": number}, "as_of": ago(minutes=30),
        "placed_at": ago(minutes=40), "payment": "paid", "paid_at": ago(minutes=35),
        "lines": [{"id": "1", "name": "玄米茶", "quantity": 2, "price": {"amount": "1200", "currency": "JPY"}}],
        "orderer": {"name": "髙橋 直子", "email": "naoko@customer.example", "locale": "ja"},
        "total": {"amount": "2400", "currency": "JPY"}, **more,
    }  # fmt: skip


def parcel(number: str = "#1001", **more: Any) -> Body:
    return {
        "kind": "shipment", "ref": {"order_number": number, "tracking_number": "441200001113"},
        "as_of": ago(minutes=10), "dispatched_at": ago(minutes=12), "carrier": "yamato", **more,
    }  # fmt: skip


def delivery(body: object, key: str | None = None) -> Body:
    return {"headers": {"Webhook-Id": key} if key else {}, "body": body}
