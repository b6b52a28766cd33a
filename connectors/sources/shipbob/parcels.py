"""A shipment of ShipBob -> parcels and the newest thing that happened to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import first, identity, link, quantity, raw_status, rows, table, text
from connectors.sources.shipbob.parties import recipient
from connectors.sources.shipbob.words import latest, meaning, when
from engine.contracts import Observation, Reading, Ref, ScanSeen, ShipmentSeen, Unreadable
from engine.model.order import Quantity
from engine.model.shipment import Packed, Status

# A snapshot only says where the parcel stands. States that happen again and again count when the moment of the
# carrier's word is told, or every change of anything else would be another attempt.
AGAIN: frozenset[Status] = frozenset({
    "out_for_delivery", "delivery_failed", "ready_for_pickup", "on_hold", "delivery_delayed",
})  # fmt: skip


NAMELESS = Ref()


@dataclass(frozen=True, kw_only=True)
class Context:
    """What stands around a shipment. `shipped`: the topic says that it was; `delivered` likewise."""

    received_at: datetime
    order: Ref = NAMELESS
    shipped: bool = False
    delivered: bool = False
    siblings: int | None = None


def shipment(source: Mapping[str, Any], context: Context) -> Reading:
    """One ShipmentSeen per tracking number, each with a scan. The first parcel has the shipment's own id, further ones
    "<id>-2". Raises Unreadable for a shipment that has neither id nor tracking number."""
    tracks = trackings(source)
    own_id = identity(source.get("id")) or identity(source.get("shipment_id"))
    if own_id is None and not any(map(_number, tracks)):
        raise Unreadable("the shipment has neither id nor tracking number")
    as_of = _as_of(source, context)
    state, unmapped = meaning("shipments", source.get("status"))
    seen: list[Observation] = []
    for place, track in enumerate(tracks):
        number = _number(track)
        ref = Ref(
            order_id=identity(source.get("order_id")) or context.order.order_id,
            order_number=_order_number(source, context),
            shipment_id=f"{own_id}-{place + 1}" if place and own_id else own_id,
            tracking_number=number,
        )
        seen.append(_parcel(source, track, ref, as_of, _left(source, state, bool(number), context, as_of), context))
        scans = list(_scans(source, ref, as_of, context))
        seen += [scan for scan, _ in scans]
        unmapped = (*unmapped, *(word for _, words in scans for word in words))
        if unmapped and not scans:
            seen.append(ScanSeen(ref=ref, as_of=as_of, status="unknown", raw_code=raw_status(source.get("status"))))
    return Reading(observations=tuple(seen), unmapped=tuple(dict.fromkeys(unmapped)))


def tracking_update(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """The flat body of the tracking topics: a status, a time and where to look (`order.shipment.tracking_received`)."""
    (track, *_) = trackings(source)
    ref = Ref(
        order_id=identity(source.get("order_id")),
        order_number=first(source.get("order_number"), source.get("reference_id")),
        shipment_id=identity(source.get("shipment_id")),
        tracking_number=_number(track),
    )
    if ref.shipment_id is None and ref.tracking_number is None:
        raise Unreadable("the tracking update has neither shipment_id nor tracking number")
    at = when(source, "event_time", "timestamp", "last_tracking_update_at", "last_update_at") or received_at
    company = text(track.get("carrier"))
    parcel = ShipmentSeen(
        ref=ref, as_of=at, carrier=slug(company), carrier_name=company, url=link(track.get("tracking_url")),
        cancelled_at=at if meaning("shipments", source.get("status"))[0].get("status") == "cancelled" else None,
    )  # fmt: skip
    scan, unmapped = _scan(source.get("status"), ref, at)
    return Reading(observations=(parcel, *filter(None, [scan])), unmapped=unmapped)


def trackings(source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The trackings of a shipment, at least one (which may be empty): an object, a list of them, or flat keys."""
    told = source.get("tracking")
    found = rows(told) if isinstance(told, list) else [table(told)]
    return [one for one in found if one] or [
        {key: source.get(key) for key in ("tracking_number", "tracking_url", "carrier")}
    ]


def state_of(source: Mapping[str, Any]) -> str | None:
    """waiting, labelled, dispatched, exception, held or cancelled; None for a status that nobody has mapped."""
    return meaning("shipments", source.get("status"))[0].get("status")


def has_left(source: Mapping[str, Any], context: Context) -> bool:
    """Has the shipment left the warehouse?"""
    state, _ = meaning("shipments", source.get("status"))
    number = any(map(_number, trackings(source)))
    return _left(source, state, number, context, context.received_at) is not None


def _as_of(source: Mapping[str, Any], context: Context) -> datetime:
    changed = latest(source, "last_update_at", "last_tracking_update_at", "event_time")
    return changed or latest(source, "delivery_date", "actual_fulfillment_date", "created_date") or context.received_at


def _number(track: Mapping[str, Any]) -> str | None:
    return first(track.get("tracking_number"), track.get("tracking_id"), track.get("pro_number"))


def _order_number(source: Mapping[str, Any], context: Context) -> str | None:
    """`reference_id` is the number where the order was made without one of its own."""
    return first(source.get("order_number"), context.order.order_number, source.get("reference_id"))


def _left(
    source: Mapping[str, Any], state: Mapping[str, str], numbered: bool, context: Context, as_of: datetime
) -> datetime | None:
    """When it left. ShipBob's own `order.shipped` comes when the label is on the box and the box waits for the
    carrier; `actual_fulfillment_date` is the moment of that."""
    fulfilled = when(source, "actual_fulfillment_date")
    where = state.get("status")
    gone = where == "dispatched" or (where == "labelled" and (fulfilled or (context.shipped and numbered)))
    if not gone and where == "waiting":
        gone = context.shipped and numbered
    return (fulfilled or as_of) if gone else None


def _parcel(
    source: Mapping[str, Any], track: Mapping[str, Any], ref: Ref, as_of: datetime, left: datetime | None,
    context: Context,
) -> ShipmentSeen:  # fmt: skip
    company = first(track.get("carrier"), track.get("scac"))
    return ShipmentSeen(
        ref=ref,
        as_of=as_of,
        dispatched_at=left,
        cancelled_at=as_of if state_of(source) == "cancelled" else None,
        carrier=slug(company),
        carrier_name=company,
        url=link(track.get("tracking_url")),
        contents=contents(source) if len(trackings(source)) == 1 else None,
        recipient=recipient(source),
        eta_until=when(source, "estimated_delivery_date"),
        siblings=context.siblings,
    )


def contents(source: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    """What is in the parcel; None when the units of a product are not told: a bundle lists what it is made of."""
    packed: list[Packed] = []
    for product in rows(source.get("products")):
        units = _units(product)
        if units is None:
            return None
        if units:
            packed.append(
                Packed(
                    quantity=units, line_id=product_id(product), sku=text(product.get("sku")),
                    name=text(product.get("name")),
                )
            )  # fmt: skip
    return tuple(packed) or None


def product_id(product: Mapping[str, Any]) -> str | None:
    """The name that an order's line and a shipment's product share."""
    return identity(product.get("id")) or first(product.get("reference_id"), product.get("sku"))


def _units(product: Mapping[str, Any]) -> Quantity | None:
    if told := quantity(product.get("quantity")):
        return told
    items = rows(product.get("inventory_items"))
    if len({identity(item.get("id")) for item in items}) != 1:
        return None
    return sum(quantity(item.get("quantity")) for item in items)  # lots of one article


def _scans(
    source: Mapping[str, Any], ref: Ref, as_of: datetime, context: Context
) -> Iterator[tuple[ScanSeen, tuple[str, ...]]]:
    arrived = when(source, "delivery_date")
    told = latest(source, "last_tracking_update_at", "event_time")
    names = [detail.get("name") for detail in rows(source.get("status_details"))]
    if arrived or (context.delivered and state_of(source) != "cancelled"):
        names = [name for name in names if meaning("details", name)[0].get("status") != "delivered"] + ["Delivered"]
    for name in names:
        scan, unmapped = _scan(name, ref, told or as_of)
        if scan is None or (scan.status in AGAIN and told is None):
            continue
        if scan.status == "delivered" and arrived:
            scan, _ = _scan(name, ref, arrived)
        if scan:
            yield scan, unmapped


def _scan(raw: object, ref: Ref, at: datetime) -> tuple[ScanSeen | None, tuple[str, ...]]:
    fields, unmapped = meaning("details", raw)
    status = fields.get("status", "unknown")
    if raw_status(raw) is None or status == "ignored":
        return None, ()
    return ScanSeen(ref=ref, as_of=at, status=cast(Status, status), raw_code=raw_status(raw)), unmapped
