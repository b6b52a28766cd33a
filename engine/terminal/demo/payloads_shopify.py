"""What Shopify posts about a purchase, and when: some of it late, twice, or again under another name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.model.shipment import Status
from engine.terminal.demo.bodies_shopify import fulfillment, identity, order, refunds
from engine.terminal.demo.post import Post, as_json, iso
from engine.terminal.demo.purchase import Parcel, Purchase

SHOP = "hanare-demo.myshopify.com"
# A shop on Shopify hears of no "held at the office"; its word for a parcel to be fetched is another.
EVENTS: Mapping[Status, str] = {
    "in_transit": "in_transit", "out_for_delivery": "out_for_delivery", "delivery_failed": "attempted_delivery",
    "on_hold": "ready_for_pickup", "delivered": "delivered",
}  # fmt: skip
LATE = timedelta(hours=7)  # webhooks come in no order that one could trust
MINUTE = timedelta(minutes=1)


def tell(bought: Purchase) -> Iterator[Post]:
    """Every webhook about the purchase, in the order of what happened."""
    yield _post(bought, "orders/create", bought.placed_at, order(bought, bought.placed_at))
    if bought.email_at:
        yield _post(bought, "orders/updated", bought.email_at, order(bought, bought.email_at))
    paid = _post(bought, "orders/paid", bought.paid_at, order(bought, bought.paid_at))
    yield paid
    if bought.seq % 9 == 0:
        yield _repeated(paid, paid.id)
    if bought.cancelled_at:
        yield _post(bought, "orders/cancelled", bought.cancelled_at, order(bought, bought.cancelled_at))
        yield _post(bought, "refunds/create", bought.cancelled_at, refunds(bought, bought.cancelled_at)[0])
    for place, parcel in enumerate(bought.parcels):
        yield from _parcel(bought, place, parcel)
    if bought.back:
        at = bought.back.refunded_at
        yield _post(bought, "refunds/create", at, refunds(bought, at)[0])
        yield _post(bought, "orders/updated", at + MINUTE, order(bought, at + MINUTE))


def _parcel(bought: Purchase, place: int, parcel: Parcel) -> Iterator[Post]:
    sent = parcel.sent_at
    created = fulfillment(bought, place, parcel)
    shipped = _post(bought, "fulfillments/create", sent, created, late=LATE if bought.seq % 11 == 5 else None)
    yield shipped
    if bought.seq % 7 == 3:
        yield _repeated(shipped, f"{shipped.id}-again")
    last = place == len(bought.parcels) - 1
    topic = "orders/fulfilled" if last else "orders/partially_fulfilled"
    yield _post(bought, topic, sent + MINUTE, order(bought, sent + MINUTE))
    for count, (at, status) in enumerate(parcel.scans):
        event = {
            "id": created["id"] * 10 + count, "fulfillment_id": created["id"], "order_id": identity(bought),
            "status": EVENTS[status], "message": None, "happened_at": iso(at), "created_at": iso(at + MINUTE),
            "city": f"{parcel.carrier} {bought.recipient.home.city}営業所", "province": None, "country": None,
        }  # fmt: skip
        yield _post(bought, "fulfillment_events/create", at, event)


def _post(bought: Purchase, topic: str, at: datetime, body: Mapping[str, Any], late: timedelta | None = None) -> Post:
    name = f"{bought.seq:04}-{topic.replace('/', '-')}-{at:%m%d%H%M%S}"
    headers = {
        "content-type": "application/json", "x-shopify-topic": topic, "x-shopify-shop-domain": SHOP,
        "x-shopify-api-version": "2026-10", "x-shopify-webhook-id": name,
    }  # fmt: skip
    return Post(at=at + (late or timedelta()), source="shopify", body=as_json(body), id=name, headers=headers)


def _repeated(post: Post, name: str) -> Post:
    return Post(
        at=post.at + 5 * MINUTE, source=post.source, body=post.body, id=name,
        headers={**post.headers, "x-shopify-webhook-id": name},
    )  # fmt: skip
