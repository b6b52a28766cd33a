"""A delivery of ShipStation -> observations, or what has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.loose import raw_status, rows, table, text
from connectors.sources.shipstation.orders import Shop, order
from connectors.sources.shipstation.parcels import fulfillment, shipment
from connectors.sources.shipstation.resources import LISTS, followed
from connectors.sources.shipstation.tracks import tracked
from connectors.sources.shipstation.words import CURRENCY
from engine.contracts import Delivery, Reading, Unreadable

TRACKS = frozenset({"api_track", "track", "track_event_v2"})
THIN = frozenset({
    "order_notify", "item_order_notify", "ship_notify", "item_ship_notify", "fulfillment_shipped",
    "fulfillment_rejected",
})  # fmt: skip


def read(delivery: Delivery) -> Reading:
    """What the delivery says: a webhook, a record of the API, or a recorded page of it. Raises Unreadable for a body
    that is not strict JSON, and for one that does not show what it is."""
    body = load(delivery.body)
    if isinstance(body, dict) and ("resource_type" in body or "resource_url" in body):
        return _webhook(body, delivery)
    records = _records(body)
    if not records:
        if isinstance(body, dict) and any(isinstance(body.get(name), list) for name in LISTS):
            return Reading(ignored="an empty page")
        raise Unreadable("the body is no JSON object of ShipStation, nor a list of them")
    told = [_one(record, delivery) for record in records]
    return Reading(
        observations=tuple(one for part in told for one in part.observations),
        unmapped=tuple(dict.fromkeys(raw for part in told for raw in part.unmapped)),
        ignored=told[0].ignored if len(told) == 1 else None,
    )


def _webhook(body: Mapping[str, Any], delivery: Delivery) -> Reading:
    kind = raw_status(body.get("resource_type")) or ""
    if kind in TRACKS or isinstance(body.get("data"), dict):
        return tracked(table(body.get("data")), delivery.received_at)
    if kind and kind not in THIN:
        return Reading(ignored=f"resource_type {kind} is not used")
    ref = followed(text(body.get("resource_url")), delivery.config.get("url"))
    if ref is None:
        return Reading(ignored="resource_url leads to no list of ShipStation's API: it is not followed")
    return Reading(fetch=(ref,))


def _records(body: Any) -> list[Mapping[str, Any]]:
    if isinstance(body, dict):
        name = next((name for name in LISTS if isinstance(body.get(name), list)), None)
        return rows(body[name]) if name else [body]
    return rows(body)


def _one(record: Mapping[str, Any], delivery: Delivery) -> Reading:
    if "fulfillmentId" in record:
        return fulfillment(record, delivery.received_at)
    if "shipmentId" in record:
        return shipment(record, delivery.received_at)
    if {"orderStatus", "orderNumber", "items"} & record.keys():
        currency = (delivery.config.get("currency") or CURRENCY).upper()
        return order(record, Shop(currency, delivery.received_at))
    if {"tracking_number", "status_code"} <= record.keys():
        return tracked(record, delivery.received_at)
    raise Unreadable("the record shows none of the keys of an order, a shipment or a fulfilment")
