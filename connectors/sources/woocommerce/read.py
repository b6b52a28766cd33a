"""A delivery of WooCommerce -> observations."""

from __future__ import annotations

from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import raw_status
from connectors.sources.woocommerce.orders import order
from connectors.sources.woocommerce.trackings import trackings
from connectors.sources.woocommerce.verify import is_ping
from engine.contracts import Delivery, Reading, Unreadable

ORDERS = frozenset({"order.created", "order.updated", "order.restored"})
TRACKINGS = "shipment_trackings"  # not a webhook: the answer of GET /orders/{id}/shipment-trackings, recorded

# Topics that arrive and say nothing to a customer.
SILENT = {
    "order.deleted": "a deleted order is housekeeping: it was cancelled before, or it was finished long ago",
}


def read(delivery: Delivery) -> Reading:
    """What the delivery says. The body may be wrapped in {"data": ...}, or be a page of orders as the REST API lists
    them. Raises Unreadable for a body that is not strict JSON or not what its topic says."""
    if is_ping(delivery):
        return Reading(ignored="ping")
    topic = (delivery.topic or delivery.headers.get("x-wc-webhook-topic") or "").strip().lower()
    if topic and topic not in ORDERS and topic != TRACKINGS:
        return Reading(ignored=SILENT.get(topic) or f"topic {raw_status(topic)} is not used")
    body = load(delivery.body)
    if isinstance(body, dict) and body.keys() == {"data"}:
        body = body["data"]
    if not topic:
        topic = _topic(body)
    if topic in SILENT:
        return Reading(ignored=SILENT[topic])
    if topic == TRACKINGS:
        if not isinstance(body, list):
            raise Unreadable("the trackings of an order are a JSON array, and this is none")
        return trackings(body, delivery)
    if not isinstance(body, dict | list):
        raise Unreadable("the body is not a JSON object")
    if not body and isinstance(body, list):
        return Reading(ignored="the list is empty")
    return each(unwrapped(body, ()), lambda record: order(record, delivery))


def _topic(body: Any) -> str:
    """What a recorded body without a topic is, when it shows."""
    if isinstance(body, list):
        listed = [row for row in body if isinstance(row, dict)]
        return "order.updated" if any({"status", "line_items"} <= row.keys() for row in listed) else TRACKINGS
    if isinstance(body, dict):
        if {"status", "line_items"} <= body.keys():
            return "order.updated"
        if body.keys() == {"id"}:
            return "order.deleted"
    raise Unreadable("the body does not show what it is: give its topic (--topic order.updated)")
