"""A delivery of Shopify -> observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sources.jsonbody import load
from connectors.sources.loose import raw_status
from connectors.sources.shopify.orders import order
from connectors.sources.shopify.refunds import refund
from connectors.sources.shopify.shipments import carrier_event, fulfillment
from connectors.sources.shopify.verify import header
from engine.contracts import Delivery, Reading, Unreadable

TOPICS: Mapping[str, str] = {
    "orders/create": "order",
    "orders/updated": "order",
    "orders/edited": "order",
    "orders/paid": "order",
    "orders/cancelled": "order",
    "orders/fulfilled": "order",
    "orders/partially_fulfilled": "order",
    "fulfillments/create": "fulfillment",
    "fulfillments/update": "fulfillment",
    "fulfillment_events/create": "fulfillment_event",
    "refunds/create": "refund",
}

# What a body is when no topic is at hand; the first line whose keys are all there decides.
SHAPES: tuple[tuple[str, frozenset[str]], ...] = (
    ("fulfillment_event", frozenset({"fulfillment_id", "happened_at"})),
    ("refund", frozenset({"refund_line_items"})),
    ("order", frozenset({"financial_status", "line_items"})),
    ("fulfillment", frozenset({"order_id", "tracking_numbers"})),
    ("fulfillment", frozenset({"order_id", "tracking_number"})),
)
WRAPPERS = frozenset({"order", "fulfillment", "fulfillment_event", "refund"})


def read(delivery: Delivery) -> Reading:
    """What the delivery says. The body may be the resource itself or wrapped as the REST API answers it
    ({"order": {...}}). Raises Unreadable for a body that is not strict JSON or not of its topic."""
    topic = (delivery.topic or header(delivery, "topic") or "").strip().lower()
    if topic and topic not in TOPICS:
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    body = load(delivery.body)
    if not isinstance(body, dict):
        raise Unreadable("the body is not a JSON object")
    if "order_edit" in body:
        return Reading(ignored="orders/edited lists changes only; orders/updated brings the edited order")
    kind, resource = _resource(body)
    wanted = TOPICS.get(topic, kind)
    if wanted is None:
        raise Unreadable("the body does not show what it is: give its topic (--topic orders/updated)")
    if kind not in (None, wanted):
        raise Unreadable(f"the topic speaks of a {wanted} but the body is a {kind}")
    match wanted:
        case "order":
            return order(resource, topic, delivery.received_at)
        case "fulfillment":
            return fulfillment(resource, delivery.received_at)
        case "fulfillment_event":
            return carrier_event(resource, delivery.received_at)
        case _:
            return refund(resource, delivery.received_at)


def _resource(body: dict[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """What the body is, as far as it shows, and the resource itself without its wrapper."""
    if len(body) == 1:
        ((name, inner),) = body.items()
        if name in WRAPPERS and isinstance(inner, dict):
            return name, inner
    return next((kind for kind, keys in SHAPES if keys <= body.keys()), None), body
