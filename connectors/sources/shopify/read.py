"""A delivery of Shopify -> observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load_object
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import raw_status
from connectors.parts.values.times import moment
from connectors.sources.shopify.graph import is_graph
from connectors.sources.shopify.graph import order as graph_order
from connectors.sources.shopify.orders import order, polled
from connectors.sources.shopify.refunds import refund
from connectors.sources.shopify.returns import return_
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
    "returns/request": "return",
    "returns/approve": "return",
    "returns/decline": "return",
    "returns/reopen": "return",
    "returns/cancel": "return",
    "returns/close": "return",
    "returns/update": "return",
}

# What a body is when no topic is at hand; the first line whose keys are all there decides.
SHAPES: tuple[tuple[str, frozenset[str]], ...] = (
    ("fulfillment_event", frozenset({"fulfillment_id", "happened_at"})),
    ("refund", frozenset({"refund_line_items"})),
    ("return", frozenset({"return_line_items"})),
    ("order", frozenset({"financial_status", "line_items"})),
    ("fulfillment", frozenset({"order_id", "tracking_numbers"})),
    ("fulfillment", frozenset({"order_id", "tracking_number"})),
)
WRAPPERS = frozenset({"order", "fulfillment", "fulfillment_event", "refund", "return"})
LISTS = {f"{name}s": name for name in WRAPPERS}  # {"orders": [...]}: a page of the REST API, recorded
INSIDE = ("edges", "nodes", "node")  # of a page of GraphQL


def read(delivery: Delivery) -> Reading:
    """What the delivery says. The body may be the resource itself, wrapped as the APIs answer it ({"order": {...}},
    {"data": {"order": {...}}}), or a page of such. Raises Unreadable for a body that is not strict JSON or not of its
    topic."""
    topic = (delivery.topic or header(delivery, "topic") or "").strip().lower()
    if topic and topic not in TOPICS:
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    body = load_object(delivery.body)
    if "order_edit" in body:
        return Reading(ignored="orders/edited lists changes only; orders/updated brings the edited order")
    if isinstance(body.get("data"), dict) and body.keys() <= {"data", "extensions", "errors"}:
        body = body["data"]
    listed = _page(body)
    if listed is None:
        return _one(delivery, topic, *_resource(body))
    kind, records = listed
    if not records:
        return Reading(ignored="the list is empty")
    return each(records, lambda record: _one(delivery, topic, kind, record))


def _one(delivery: Delivery, topic: str, kind: str | None, resource: Mapping[str, Any]) -> Reading:
    wanted = TOPICS.get(topic, kind)
    if wanted is None:
        raise Unreadable("the body does not show what it is: give its topic (--topic orders/updated)")
    if kind not in (None, wanted):
        raise Unreadable(f"the topic speaks of a {wanted} but the body is a {kind}")
    match wanted:
        case "order":
            if is_graph(resource):
                return polled(graph_order(resource), delivery.received_at)
            return order(resource, topic, delivery.received_at)
        case "return":
            return return_(resource, moment(header(delivery, "triggered-at")) or delivery.received_at)
        case "fulfillment":
            return fulfillment(resource, delivery.received_at)
        case "fulfillment_event":
            return carrier_event(resource, delivery.received_at)
        case _:
            return refund(resource, delivery.received_at)


def _resource(body: dict[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    """What the body is, as far as it shows, and the resource itself without its wrapper."""
    if "id" not in body:  # beside an order may stand a notice: {"notice": "Order has been canceled", "order": {...}}
        held = [(name, body[name]) for name in WRAPPERS & body.keys() if isinstance(body[name], dict)]
        if len(held) == 1:
            return held[0]
    if str(body.get("id")).startswith("gid://shopify/Order/"):
        return "order", body
    return next((kind for kind, keys in SHAPES if keys <= body.keys()), None), body


def _page(body: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]] | None:
    """What a page lists, and the records on it; None for a body that is no page. A resource has an id and lists too."""
    held = [name for name in LISTS if name in body] if "id" not in body else []
    if len(held) != 1 or not isinstance(body[held[0]], list | dict):
        return None
    found = unwrapped(body[held[0]], INSIDE) if body[held[0]] else []
    return LISTS[held[0]], found
