"""A delivery of Medusa -> observations, or what has to be fetched.

An event names ids only: {"name": "order.placed", "data": {"id": "order_..."}}, as our subscriber posts it. What is
fetched comes back as {"order": {...}}, as the admin API answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.bodies.jsonbody import load_object
from connectors.parts.values.loose import first, flag, raw_status, table
from connectors.sources.medusa.orders import order
from connectors.sources.medusa.words import known_id, when
from engine.contracts import Delivery, Reading, Ref, ShipmentSeen, Unreadable

# Events after which an order may tell something else, and what their data's `id` names.
# https://docs.medusajs.com/resources/references/events
EVENTS: Mapping[str, str] = {
    "order.placed": "orders",
    "order.updated": "orders",
    "order.completed": "orders",
    "order.archived": "orders",
    "order.canceled": "orders",
    "order.fulfillment_created": "orders",
    "order.fulfillment_canceled": "orders",
    "order.return_requested": "orders",
    "order.return_received": "orders",
    "order.claim_created": "orders",
    "order.exchange_created": "orders",
    "order.transfer_requested": "orders",
    "order-edit.confirmed": "orders",
    "order-edit.requested": "orders",
    "order-edit.canceled": "orders",
    "shipment.created": "fulfillments",
    "delivery.created": "fulfillments",
    "payment.captured": "payments",
    "payment.refunded": "payments",
}
# `no_notification` of these is about the parcel's message to the customer; that of a fulfilment which is only
# packed is about a message that we do not send.
ABOUT_PARCEL = frozenset({"shipment.created", "delivery.created"})
PREFIXES: Mapping[str, str] = {"order_": "orders", "ful_": "fulfillments", "pay_": "payments", "return_": "returns"}


def read(delivery: Delivery) -> Reading:
    """What the delivery says. Raises Unreadable for a body that is not strict JSON, or shows neither an event nor
    an order."""
    body = load_object(delivery.body)
    snapshot = table(body.get("order")) or body
    if "currency_code" in snapshot and ("items" in snapshot or "display_id" in snapshot):
        return order(snapshot, delivery, table(body.get("no_notification")))
    name = first(body.get("name"), body.get("event"), body.get("type"), delivery.topic)
    data = table(body.get("data")) or body
    told_at = when(table(body.get("metadata")), "published_at") or delivery.received_at
    return _event(raw_status(name), data, told_at)


def _event(name: str | None, data: Mapping[str, Any], told_at: datetime) -> Reading:
    if name is not None and name not in EVENTS:
        return Reading(ignored=f"event {name} is not used")
    named = known_id(data.get("id"))
    fulfillment = known_id(data.get("fulfillment_id")) or (named if name in ABOUT_PARCEL else None)
    told = flag(data.get("no_notification")) if name in ABOUT_PARCEL else None
    order_id = known_id(data.get("order_id"))
    said: tuple[ShipmentSeen, ...] = ()
    if fulfillment and told is not None:
        # At once, before anything is fetched: an earlier event about the order may find the parcel gone any moment.
        said = (ShipmentSeen(ref=Ref(order_id=order_id, shipment_id=fulfillment), as_of=told_at, silent=told),)
    if order_id:
        return Reading(observations=said, fetch=(_ref("orders", order_id, fulfillment, told),))
    kind = EVENTS[name] if name else _kind(named)
    if kind is None or named is None:
        raise Unreadable("the event names neither an order (id, order_id) nor a fulfilment or payment")
    return Reading(observations=said, fetch=(_ref(kind, named, fulfillment, told),))


def _kind(named: str | None) -> str | None:
    """What an id without an event names, by the prefix that Medusa gives its ids."""
    return next((kind for prefix, kind in PREFIXES.items() if (named or "").startswith(prefix)), None)


def _ref(kind: str, named: str, fulfillment: str | None, told: bool | None) -> str:
    """What to fetch, and what the event alone has told: Medusa keeps `no_notification` of a parcel nowhere."""
    hint = f"?no_notification={fulfillment}:{'yes' if told else 'no'}" if fulfillment and told is not None else ""
    return f"{kind}/{named}{hint}"
