"""A delivery of ShipBob -> observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.loose import raw_status
from connectors.sources.shipbob.orders import order, stopped
from connectors.sources.shipbob.parcels import Context, shipment, tracking_update
from connectors.sources.shipbob.returns import returned
from connectors.sources.shipbob.verify import topic_of
from connectors.sources.shipbob.words import unwrapped
from engine.contracts import Delivery, Reading, Unreadable

# Topics of versions 1.0 and 2.0, and what they are called since 2025-07.
OLDER = {
    "order_shipped": "order.shipped",
    "shipment_delivered": "order.shipment.delivered",
    "shipment.delivered": "order.shipment.delivered",
    "shipment_exception": "order.shipment.exception",
    "shipment_onhold": "order.shipment.on_hold",
    "shipment_cancelled": "order.shipment.cancelled",
}
USED = ("order", "shipment", "return")  # warehouse receipts (wro.*) and billing.* say nothing to a customer

# What a record is: the first line of which any key is there decides. Topics of one name carry an order in one
# version of the API, a shipment in another, so the record itself is asked.
SHAPES: tuple[tuple[str, frozenset[str]], ...] = (
    ("receiving", frozenset({"box_packaging_type", "box_labels_uri", "box_items", "expected_arrival_date"})),
    ("return", frozenset({"return_type", "original_shipment_id", "insert_date"})),
    ("order", frozenset({"shipments", "purchase_date", "financials", "shipping_method"})),
    ("shipment", frozenset({"status_details", "actual_fulfillment_date", "is_tracking_uploaded", "last_update_at"})),
    ("tracking", frozenset({"event_time", "tracking", "tracking_number"})),
    ("order", frozenset({"order_number", "products"})),
)


def read(delivery: Delivery) -> Reading:
    """What the delivery says; a body may hold several records, as a recorded page of the API does. Raises Unreadable
    for a body that is not strict JSON, and for a record that does not show what it is."""
    topic = (delivery.topic or topic_of(delivery) or "").strip().lower()
    topic = OLDER.get(topic, topic)
    if topic and not topic.startswith(USED):
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    records = list(unwrapped(load(delivery.body)))
    if not records:
        raise Unreadable("the body holds no JSON object")
    told = [_one(record, topic, delivery) for record in records]
    return Reading(
        observations=tuple(one for part in told for one in part.observations),
        unmapped=tuple(dict.fromkeys(raw for part in told for raw in part.unmapped)),
        ignored=told[0].ignored if len(told) == 1 else None,
    )


def _one(record: Mapping[str, Any], topic: str, delivery: Delivery) -> Reading:
    kind = next((kind for kind, keys in SHAPES if keys & record.keys()), None)
    context = Context(
        received_at=delivery.received_at,
        shipped=topic == "order.shipped",
        delivered=topic in ("order.delivered", "order.shipment.delivered"),
    )
    match kind:
        case "receiving":
            return Reading(ignored="goods on their way into a warehouse are no customer's")
        case "return":
            return returned(record, delivery.received_at)
        case "order":
            return order(record, context)
        case "tracking":
            return tracking_update(record, delivery.received_at)
        case "shipment":
            part = shipment(record, context)
            around = stopped(record, delivery.received_at)
            return Reading(observations=(*([around] if around else []), *part.observations), unmapped=part.unmapped)
        case _:
            raise Unreadable("the record shows none of the keys of an order, a shipment, a tracking or a return")
