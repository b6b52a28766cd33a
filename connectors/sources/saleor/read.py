"""A delivery of Saleor -> observations.

Three shapes come: the answer to a subscription query (ours or the shop's own), the older list of records that is sent
to a webhook without a query, and notices that ask somebody to write a mail (NOTIFY_USER).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.talk.graphql import snake, snake_word
from connectors.parts.values.loose import first, money, raw_status, rows, table
from connectors.parts.values.times import moment
from connectors.sources.saleor.orders import order
from connectors.sources.saleor.telling import Telling
from connectors.sources.saleor.verify import header
from engine.contracts import Delivery, Reading, Unreadable

ORDER = "order"  # a record that was polled, or recorded from the API: no event
BULK = "order_bulk_created"
ORDERS = frozenset({
    ORDER, "order_created", "order_confirmed", "order_updated", "order_paid", "order_fully_paid", "order_cancelled",
    "order_expired", "order_fulfilled", "order_refunded", "order_fully_refunded", "order_metadata_updated", BULK,
})  # fmt: skip
FULFILLMENTS = frozenset({
    "fulfillment_created", "fulfillment_approved", "fulfillment_canceled", "fulfillment_tracking_number_updated",
    "fulfillment_metadata_updated",
})  # fmt: skip
NOTIFY = "notify_user"

# Notices about an order -> the event that each tells of; all others are about accounts, invoices and staff.
NOTICES: Mapping[str, str] = {
    "order_confirmation": "order_created",
    "order_confirmed": "order_confirmed",
    "order_payment_confirmation": "order_paid",
    "order_canceled": "order_cancelled",
    "order_refund_confirmation": "order_refunded",
    "order_fulfillment_confirmation": "fulfillment_created",
    "order_fulfillment_update": "fulfillment_tracking_number_updated",
}
WRAPPERS = ("data", "event", "node", "payload")


def read(delivery: Delivery) -> Reading:
    """What the delivery says. Raises Unreadable for a body that is not strict JSON, or that does not show what it is
    when no topic says so."""
    topic = _topic_of(delivery.topic or header(delivery, "event"))
    if topic and topic not in ORDERS | FULFILLMENTS | {NOTIFY}:
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    body = load(delivery.body)
    records = [_unwrapped(snake(one)) for one in (body if isinstance(body, list) else [body])]
    if any(not isinstance(one, dict) for one in records):
        raise Unreadable("the body is neither a JSON object nor a list of objects")
    readings = [_record(one, topic, delivery) for one in records]
    if not readings:
        return Reading(ignored="the list is empty")
    ignored = next((one.ignored for one in readings if one.ignored), None)
    observations = tuple(one for reading in readings for one in reading.observations)
    return Reading(
        observations=observations,
        unmapped=tuple(dict.fromkeys(raw for reading in readings for raw in reading.unmapped)),
        ignored=None if observations else ignored,
    )


def _record(record: Mapping[str, Any], topic: str | None, delivery: Delivery) -> Reading:
    if "notify_event" in record:
        return _notice(record, delivery)
    topic = _topic_of(record.get("__typename")) or topic
    if topic and topic not in ORDERS | FULFILLMENTS:
        if topic == NOTIFY:
            raise Unreadable("a notice without notify_event")
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    if isinstance(record.get("orders"), list):
        readings = [
            order(_telling({**record, "order": one}, topic or ORDER, delivery)) for one in rows(record["orders"])
        ]
        return Reading(
            observations=tuple(one for reading in readings for one in reading.observations),
            unmapped=tuple(raw for reading in readings for raw in reading.unmapped),
        )
    return order(_telling(_parts(record, topic), topic or ORDER, delivery))


def _parts(record: Mapping[str, Any], topic: str | None) -> Mapping[str, Any]:
    """The order and the fulfilment that a record holds, wherever they stand: side by side in the answer to a
    subscription, the order inside the fulfilment or alone in the older payloads."""
    if record.get("type") == "Fulfillment" or ("order" in record and "tracking_number" in record):
        return {"fulfillment": record, "order": record.get("order"), "meta": record.get("meta")}
    if "order" in record or "fulfillment" in record:
        inside = table(record.get("fulfillment"))
        return {**record, "order": record.get("order") or inside.get("order")}
    if record.get("type") == "Order" or {"number", "lines"} <= record.keys() or (topic in ORDERS and "id" in record):
        return {"order": record, "meta": record.get("meta")}
    if topic in FULFILLMENTS and "id" in record:
        return {"fulfillment": record, "meta": record.get("meta")}
    raise Unreadable("the body does not show what it is: give its topic (--topic order_updated)")


def _telling(parts: Mapping[str, Any], topic: str, delivery: Delivery) -> Telling:
    group = {key: value for key, value in table(parts.get("fulfillment")).items() if key != "order"}
    if group and "notify_customer" in parts:
        group["notify_customer"] = parts["notify_customer"]
    return Telling(
        topic=topic,
        order=table(parts.get("order")),
        group=group,
        issued_at=moment(first(parts.get("issued_at"), table(parts.get("meta")).get("issued_at"))),
        received_at=delivery.received_at,
        mailed=delivery.config.get("source_mails", "yes") == "yes",
    )


def _notice(record: Mapping[str, Any], delivery: Delivery) -> Reading:
    """A notice holds the order as it stood, and of a parcel its number and articles without any id."""
    kind = raw_status(record.get("notify_event")) or ""
    if kind not in NOTICES:
        return Reading(ignored=f"notice {kind} is not about an order")
    told = table(record.get("payload"))
    goods = [*rows(told.get("physical_lines")), *rows(told.get("digital_lines"))]
    parcel = table(told.get("fulfillment"))
    if parcel or goods:
        parcel = {"status": "fulfilled", "lines": goods, **parcel}
    ordered = table(told.get("order"))
    source = {**ordered, "user_email": first(ordered.get("email"), told.get("recipient_email"))}
    if "payment" in told:
        source["payment"] = told["payment"]
    telling = _telling({"order": source, "fulfillment": parcel, "meta": record.get("meta")}, NOTICES[kind], delivery)
    back = money(told.get("amount"), told.get("currency")) if NOTICES[kind] == "order_refunded" else None
    return order(replace(telling, refunded=back))


def _topic_of(name: object) -> str | None:
    """ "ORDER_FULLY_PAID", "order_fully_paid" and "OrderFullyPaid" are one; so are "canceled" and "cancelled"."""
    told = first(name)
    if told is None:
        return None
    topic = snake_word(told).replace(" ", "_")
    return {"order_canceled": "order_cancelled", "fulfillment_cancelled": "fulfillment_canceled"}.get(topic, topic)


def _unwrapped(value: Any) -> Any:
    """What is inside {"data": {"event": ...}}, as recorded from the API."""
    for _ in WRAPPERS:
        if isinstance(value, dict) and len(value) == 1:
            ((name, inner),) = value.items()
            if name in WRAPPERS and isinstance(inner, dict | list):
                value = inner
    return value
