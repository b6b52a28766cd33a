"""A delivery of Adobe Commerce -> observations, or what has to be fetched.

Polling hands over an order with all that belongs to it: {"order": ..., "shipments": [...], "creditmemos": [...]}.
Recorded answers of the REST API are read too, one record or a list ({"items": [...]}). An event says which order to
look at: its `event.data.value` holds the fields that the shop has chosen, which may be few.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, merged
from connectors.parts.values.loose import first, identity, raw_status, rows, table
from connectors.sources.adobe_commerce.memos import memo
from connectors.sources.adobe_commerce.orders import order
from connectors.sources.adobe_commerce.parcels import shipment, track
from engine.contracts import Delivery, Reading, Unreadable

WRAPPERS = ("items", "event", "data", "value", "order", "shipment", "creditmemo", "track")
DEEPEST = 4  # event, data, value, order
MEMO = frozenset({"creditmemo_status", "adjustment", "adjustment_positive", "adjustment_negative"})
INVOICE = frozenset({"can_void_flag", "is_used_for_refund", "total_qty"})
SUMS = frozenset({"grand_total", "base_grand_total"})
ORDER = frozenset({"increment_id", "state", "grand_total", "total_qty_ordered", "customer_email"})


def read(delivery: Delivery) -> Reading:
    """What the delivery says. Raises Unreadable for a body that is not strict JSON, or shows nothing of an order."""
    body = load(delivery.body)
    if isinstance(body, dict) and isinstance(body.get("order"), dict) and "shipments" in body:
        return order(body["order"], delivery, rows(body["shipments"]), rows(body.get("creditmemos")))
    if isinstance(body, dict) and "validationUrl" in body:
        return Reading(ignored="Adobe asks whether this address is yours: see the README")
    topic = raw_status(first(delivery.topic, delivery.headers.get("x-adobe-event-code"), _type(body))) or ""
    is_event = isinstance(body, dict) and "event" in body
    records = _records(body)
    if topic.startswith(("com.adobe.commerce", "observer.", "plugin.")) or is_event:
        return merged(_event(one, topic, delivery) for one in records)
    if not records:
        return Reading(ignored="the list holds no record")
    return each(records, lambda one: _record(one, delivery))


def _type(body: Any) -> str | None:
    return first(table(body).get("type"), table(table(body).get("event")).get("type"))


def _records(body: Any) -> list[Mapping[str, Any]]:
    """The records in the body, out of their wrappers. An order has `items` of its own, and is not unwrapped."""
    level = rows(body) if isinstance(body, list) else rows([body])
    if not level:
        raise Unreadable("the body holds no JSON object")
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in ([one] if _kind(one) else _inside(one))]
    return level


def _inside(source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    for name in WRAPPERS:
        inner = source.get(name)
        if isinstance(inner, dict | list) and inner:
            return rows(inner) if isinstance(inner, list) else [inner]
    return [source]


def _kind(source: Mapping[str, Any]) -> str | None:
    if identity(source.get("order_id")) is None:
        return "order" if len(ORDER & source.keys()) > 1 and "entity_id" in source else None
    if "track_number" in source:
        return "track"
    if MEMO & source.keys():
        return "memo"
    if SUMS & source.keys():  # an invoice's are those of a credit memo
        return "invoice" if INVOICE & source.keys() else "memo"
    return "shipment" if {"tracks", "total_qty", "packages", "shipment_status"} & source.keys() else "part"


def _event(source: Mapping[str, Any], topic: str, delivery: Delivery) -> Reading:
    """The order to look at. Without the address of the API, what the event itself tells."""
    kind = _kind(source)
    if kind is None and "sales_order" not in topic:
        return Reading(ignored="an event that is not about an order")
    order_id = identity(source.get("order_id")) or identity(source.get("entity_id"))
    if order_id is None or not order_id.isascii() or not order_id.isdigit():
        raise Unreadable("the event names no order: give it the fields entity_id and order_id")
    if kind is None and ("shipment" in topic or "creditmemo" in topic) and identity(source.get("order_id")) is None:
        raise Unreadable("the event names no order: give it the field order_id")
    if delivery.config.get("url"):
        return Reading(fetch=(f"orders/{order_id}",))
    return _record(source, delivery)


def _record(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    match _kind(source):
        case "order":
            return order(source, delivery, [], [])
        case "shipment":
            return shipment(source, delivery.received_at)
        case "track":
            return track(source, delivery.received_at)
        case "memo":
            return memo(source, delivery.received_at)
        case "invoice":
            return Reading(ignored="an invoice: the order itself tells what was paid")
        case "part":
            return Reading(ignored="a record that says nothing of its own")
    raise Unreadable("the body is neither an order nor a shipment nor a credit memo of Magento")
