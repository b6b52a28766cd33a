"""Shipments (labels that ShipStation made) and fulfilments (what was sent without its label) of V1 -> parcels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.values import days
from connectors.parts.values.loose import identity, quantity, rows, table, text
from connectors.parts.values.times import zone_named
from connectors.sources.shipstation.words import ZONE, carrier, day_of, person, when
from engine.contracts import Observation, Reading, Ref, ReturnSeen, ScanSeen, ShipmentSeen, Unreadable
from engine.model.shipment import Packed


def shipment(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """One parcel; a voided label was never used. Raises Unreadable without shipmentId and tracking number."""
    ref = _ref(source, identity(source.get("shipmentId")))
    made = when(source, "createDate") or received_at
    if source.get("isReturnLabel") is True:
        return _return_label(source, ref, made)
    if _is_voided(source):
        voided = when(source, "voidDate") or received_at
        return Reading(observations=(_parcel(source, ref, voided, cancelled=True),))
    left = _left(source, made, received_at)
    return Reading(observations=(_parcel(source, ref, max(made, left or made), left=left),))


def fulfillment(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """One parcel that was marked as shipped, or that a fulfilment provider sent; with its delivery where it is told."""
    own = identity(source.get("fulfillmentId"))
    ref = _ref(source, f"f{own}" if own else None)  # numbers of shipments and of fulfilments overlap
    made = when(source, "createDate") or received_at
    if _is_voided(source):
        voided = when(source, "voidDate") or received_at
        return Reading(observations=(_parcel(source, ref, voided, cancelled=True),))
    left = _left(source, made, received_at)
    seen: list[Observation] = [_parcel(source, ref, max(made, left or made), left=left)]
    if arrived := days.happened(day_of(source, "deliveryDate"), ZONE, received_at):
        seen.append(ScanSeen(ref=ref, as_of=arrived, status="delivered"))
    return Reading(observations=tuple(seen))


def postdated(source: Mapping[str, Any]) -> bool:
    """Was the label made for a later day? It has not left before that day comes."""
    made, day = when(source, "createDate"), days.day(day_of(source, "shipDate"), ZONE)
    return made is not None and day is not None and day > made.astimezone(zone_named(ZONE)).date()


def _left(source: Mapping[str, Any], made: datetime, received_at: datetime) -> datetime | None:
    """ShipStation calls an order shipped when its label is made, and tells the marketplace then. A label for a later
    day is a plan until that day."""
    day = days.day(day_of(source, "shipDate"), ZONE)
    if not postdated(source) or day is None:
        return made
    if day > received_at.astimezone(zone_named(ZONE)).date():
        return None
    return days.happened(day_of(source, "shipDate"), ZONE, received_at)


def _is_voided(source: Mapping[str, Any]) -> bool:
    return source.get("voided") is True or when(source, "voidDate") is not None


def _ref(source: Mapping[str, Any], own: str | None) -> Ref:
    ref = Ref(
        order_id=identity(source.get("orderId")),
        order_number=text(source.get("orderNumber")),
        shipment_id=own,
        tracking_number=text(source.get("trackingNumber")),
    )
    if ref.shipment_id is None and ref.tracking_number is None:
        raise Unreadable("the shipment has neither an id nor a trackingNumber")
    return ref


def _parcel(
    source: Mapping[str, Any], ref: Ref, as_of: datetime, *, left: datetime | None = None, cancelled: bool = False
) -> ShipmentSeen:
    code = text(source.get("carrierCode"))
    return ShipmentSeen(
        ref=ref,
        as_of=as_of,
        dispatched_at=left,
        reverted=cancelled,
        cancelled_at=as_of if cancelled else None,
        carrier=carrier(code),
        carrier_name=code,
        contents=_contents(source) or None,
        recipient=person(table(source.get("shipTo"))),
    )


def _contents(source: Mapping[str, Any]) -> tuple[Packed, ...]:
    return tuple(
        Packed(
            quantity=units,
            line_id=identity(item.get("orderItemId")) or text(item.get("lineItemKey")),
            sku=text(item.get("sku")),
            name=text(item.get("name")),
        )
        for item in rows(source.get("shipmentItems"))
        if (units := quantity(item.get("quantity")))
    )


def _return_label(source: Mapping[str, Any], ref: Ref, made: datetime) -> Reading:
    """A label for the customer to send something back: the return is agreed, nothing travels yet."""
    if _is_voided(source):
        return Reading(ignored="a return label that was voided")
    names = Ref(order_id=ref.order_id, order_number=ref.order_number, return_id=ref.shipment_id or ref.tracking_number)
    back = ReturnSeen(ref=names, as_of=made, approved_at=made, contents=_contents(source))
    return Reading(observations=(back,))
