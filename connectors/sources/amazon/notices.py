"""Notifications -> what they tell themselves, and the order that has to be fetched.

https://developer-docs.amazon.com/sp-api/docs/notification-type-values
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import first, identity, quantity, raw_status, rows, table, text
from connectors.sources.amazon.milestones import milestones
from connectors.sources.amazon.orders import order
from connectors.sources.amazon.words import Record, meaning, order_id, when
from engine.contracts import Delivery, Reading, Ref, ReturnSeen, ShipmentSeen, Unreadable
from engine.model.shipment import Packed


def notice(source: Record, delivery: Delivery) -> Reading:
    """What the notification tells. One about an order is fetched where the connection has an application; its summary
    serves where it has none. Raises Unreadable for one without its payload or an id."""
    kind = raw_status(source.get("notificationtype")) or ""
    known = KINDS.get(kind)
    if known is None:
        return Reading(ignored=f"notification {kind} is not used")
    name, tell = known
    payload = table(table(source.get("payload")).get(name))
    if not payload:
        raise Unreadable(f"the notification has no payload {name}")
    return tell(payload, when(source, "eventtime") or delivery.received_at, delivery)


def _order(payload: Record, at: datetime, delivery: Delivery) -> Reading:
    named = _named(payload)
    if delivery.config.get("client_id"):
        return Reading(fetch=(f"orders/{named}",))
    summary = table(payload.get("summary"))
    changed = table(payload.get("orderchangetrigger")).get("timeoforderchange")
    items = [{**one, "quantityordered": one.get("quantity")} for one in rows(summary.get("orderitems"))]
    told = {**summary, "amazonorderid": named, "lastupdatedate": changed or at.isoformat(), "orderitems": items}
    if not items:
        del told["orderitems"]
    return order(told, delivery)


def _outbound(payload: Record, at: datetime, delivery: Delivery) -> Reading:
    """A parcel that Amazon sends for an order on Amazon."""
    named = _named(payload)
    fetch = (f"orders/{named}",) if delivery.config.get("client_id") else ()
    fields, unmapped = meaning("parcels", payload.get("shipmentstatus"))
    if fetch or fields.get("status") in (None, "announced"):
        ignored = None if fetch or unmapped else "nothing has left yet"
        return Reading(fetch=fetch, unmapped=unmapped, ignored=ignored)
    ref = Ref(order_id=named, order_number=named, shipment_id=named)  # the parcel that the order's own status tells
    gone = fields["status"] == "sent"
    seen = ShipmentSeen(
        ref=ref, as_of=at, dispatched_at=at if gone else None, cancelled_at=None if gone else at, source_notified=True
    )
    return Reading(observations=(seen,), unmapped=unmapped)


def _multi_channel(payload: Record, at: datetime, delivery: Delivery) -> Reading:
    """Parcels that Amazon sends for a shop elsewhere: `sellerfulfillmentorderid` is what the seller has called the
    order, and should be the shop's number. Its parcels join the shop's order by that number."""
    number = first(payload.get("sellerfulfillmentorderid"))
    if number is None:
        raise Unreadable("the notification has no sellerfulfillmentorderid")
    as_of = when(payload, "statusupdateddatetime") or at
    _, unknown = meaning("fulfillments", payload.get("fulfillmentorderstatus"))
    told = table(payload.get("fulfillmentshipment"))
    fields, unmapped = meaning("parcels", told.get("fulfillmentshipmentstatus"))
    state, shipment = fields.get("status"), identity(told.get("amazonshipmentid"))
    boxes = rows(told.get("fulfillmentshipmentpackages")) or ([{}] if state == "sent" else [])
    sent = tuple(
        ShipmentSeen(
            ref=Ref(
                order_number=number,
                shipment_id=_box(shipment, number, one),
                tracking_number=text(one.get("trackingnumber")),
            ),
            as_of=as_of,
            dispatched_at=as_of if state == "sent" else None,
            cancelled_at=as_of if state == "cancelled" else None,
            carrier=slug(text(one.get("carriercode"))),
            carrier_name=_readable(text(one.get("carriercode"))),
            eta_until=when(told, "estimatedarrivaldatetime"),
        )
        for one in boxes
    )
    back = _came_back(table(payload.get("fulfillmentreturnitem")), number, as_of)
    raw = tuple(dict.fromkeys((*unknown, *unmapped)))
    nothing = None if sent or back or raw else "nothing has left yet"
    return Reading(observations=(*sent, *back), unmapped=raw, ignored=nothing)


def _readable(code: str | None) -> str | None:
    """The carrier where the code is one's name; others ("2-930434") say nothing to people."""
    return code if slug(code) else None


def _box(shipment: str | None, number: str, source: Record) -> str:
    return "-".join(filter(None, (shipment or number, identity(source.get("packagenumber")))))


def _came_back(item: Record, number: str, as_of: datetime) -> tuple[ReturnSeen, ...]:
    units, sku = quantity(item.get("returnedquantity")), text(item.get("sellersku"))
    if not units:
        return ()
    at = when(item, "receiveddatetime") or as_of
    ref = Ref(order_number=number, return_id=f"{number}-{sku}-{at.isoformat()}")
    return (ReturnSeen(ref=ref, as_of=at, contents=(Packed(quantity=units, sku=sku),), received_at=at),)


def _named(payload: Record) -> str:
    found = order_id(payload)
    if found is None or "/" in found:
        raise Unreadable("the notification names no order")
    return found


Tell = Callable[[Record, datetime, Delivery], Reading]
KINDS: Mapping[str, tuple[str, Tell]] = {
    "order_change": ("orderchangenotification", _order),
    "order_status_change": ("orderstatuschangenotification", _order),
    "fulfillment_order_status": ("fulfillmentorderstatusnotification", _multi_channel),
    "fba_outbound_shipment_status": ("fbaoutboundshipmentstatusnotification", _outbound),
    "shipment_tracking_milestone_changed": ("shipmenttrackingmilestonechangednotification", milestones),
}
