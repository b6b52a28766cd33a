"""A delivery of Ongoing -> observations, or what has to be fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.loose import first, identity, number, plain, raw_status, rows, table
from connectors.parts.values.times import moment
from connectors.sources.ongoing.orders import event, snapshot
from engine.contracts import Delivery, Reading, Routed, Unreadable


def read(delivery: Delivery) -> Reading:
    """What the delivery says: a webhook, or orders as the REST API answers ({...}, [...], {"order": {...}}).

    A webhook about an order tells its status and numbers, and the rest is fetched where the connection has the
    address of the API; one about a shipment tells ids only. Raises Unreadable for anything else.
    """
    body = load(delivery.body)
    orders = rows(body) if isinstance(body, list) else _orders(body)
    if orders:
        asked_at = moment(table(body).get("asked_at")) or delivery.received_at
        return _together([_routed(snapshot(one, delivery, asked_at), one, delivery) for one in orders])
    if not isinstance(body, dict):
        raise Unreadable("the body is neither a webhook nor an order of Ongoing")
    if "shipmentId" in body and "orderId" not in body:
        return _shipment(body, delivery)
    if identity(body.get("orderId")) is None or "orderStatus" not in body:
        raise Unreadable("the body is neither a webhook nor an order of Ongoing")
    told = _routed(event(body, delivery), body, delivery)
    if not delivery.config.get("url"):
        return told
    return Reading(
        observations=told.observations, routed=told.routed, unmapped=told.unmapped, fetch=(f"orders/{_id(body)}",)
    )


def _orders(body: Any) -> list[Mapping[str, Any]]:
    source = table(body)
    inner = table(source.get("order")) or source
    return [inner] if isinstance(inner.get("orderInfo"), dict) else []


def _shipment(body: Mapping[str, Any], delivery: Delivery) -> Reading:
    template = raw_status(body.get("webhookTemplate")) or ""
    if "inbound" in template:
        return Reading(ignored="goods on their way into the warehouse")
    shipment, owner = number(body.get("shipmentId")), number(body.get("goodsOwnerId"))
    if not shipment or not owner:
        return Reading(ignored="a shipment without an id or a goods owner")
    if not delivery.config.get("url"):
        return Reading(ignored="a shipment tells ids only: set url, user and password, or register order webhooks")
    return Reading(fetch=(f"shipments/{plain(owner)}/{plain(shipment)}",))


def _id(body: Mapping[str, Any]) -> str:
    found = number(body.get("orderId"))
    if found is None:
        raise Unreadable("orderId is not a number")
    return plain(found)


def _routed(reading: Reading, source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """The reading, under the id of its goods owner where the connection serves several merchants."""
    if delivery.config.get("route") != "yes":
        return reading
    owner = first(source.get("goodsOwnerId"), table(source.get("goodsOwner")).get("id"))
    if owner is None:
        raise Unreadable("the delivery names no goods owner (goodsOwnerId)")
    return Reading(routed=(Routed(route=owner, observations=reading.observations),), unmapped=reading.unmapped)


def _together(readings: list[Reading]) -> Reading:
    return Reading(
        observations=tuple(seen for one in readings for seen in one.observations),
        routed=tuple(routed for one in readings for routed in one.routed),
        unmapped=tuple(dict.fromkeys(raw for one in readings for raw in one.unmapped)),
    )
