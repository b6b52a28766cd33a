"""Parcels of an order of Ongoing. An order leaves in one go: what is missing becomes another order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import first, identity, link, number, rows, table, text
from connectors.sources.ongoing.words import LEFT
from engine.contracts import Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import Packed


@dataclass(frozen=True, kw_only=True)
class Order:
    """What parcels take from their order. `left_at` counts once its status says that it has left."""

    ref: Ref
    as_of: datetime
    status: str | None
    left_at: datetime
    contents: tuple[Packed, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class _Label:
    number: str | None
    url: str | None


def parcels(
    source: Mapping[str, Any], order: Order, *, carrier: str | None, carrier_name: str | None
) -> tuple[ShipmentSeen, ...]:
    """One for every parcel, else one for every waybill, else one alone once the order has left.

    The first is called by the order's id, so that one which got its number late is the same parcel; further ones
    are "<order>-<number>". Labels for the way back lie in the box and are no parcels.
    """
    gone = order.status in LEFT
    labels = _labels(source) or ([_Label(number=None, url=None)] if gone else [])
    complete = gone and order.status != "sent_in_part"
    return tuple(
        ShipmentSeen(
            ref=Ref(
                order_id=order.ref.order_id,
                order_number=order.ref.order_number,
                shipment_id=f"{order.ref.order_id}-{label.number}" if place else order.ref.order_id,
                tracking_number=label.number,
            ),
            as_of=order.as_of,
            dispatched_at=order.left_at if gone else None,
            cancelled_at=order.as_of if order.status == "cancelled" else None,
            carrier=slug(carrier_name) or slug(carrier),
            carrier_name=carrier_name,
            url=label.url,
            contents=order.contents if len(labels) == 1 else None,
            siblings=len(labels) if complete else None,
        )
        for place, label in enumerate(labels)
    )


def scans(order: Order, sent: tuple[ShipmentSeen, ...], *, repeating: bool) -> tuple[ScanSeen, ...]:
    """Arrived, or waiting at the pick-up point. The latter can be said again for a new attempt, so it is taken only
    from a webhook (`repeating`), which tells the true moment."""
    if order.status == "ready" and repeating:
        return tuple(
            ScanSeen(ref=one.ref, as_of=order.as_of, status="ready_for_pickup", raw_code="451") for one in sent
        )
    if order.status == "collected":
        return tuple(
            ScanSeen(ref=one.ref, as_of=order.as_of, status="delivered", substatus="collected", raw_code="500")
            for one in sent
        )
    return ()


def _labels(source: Mapping[str, Any]) -> list[_Label]:
    boxes = [one for one in rows(source.get("parcels")) if one.get("isReturnParcel") is not True]
    boxes.sort(key=lambda one: number(one.get("id")) or 0)
    waybills = [one for one in rows(source.get("tracking")) if one.get("isReturn") is not True]
    whole = next((found for one in waybills if (found := link(one.get("trackingUrl")))), None)
    labels: dict[str, _Label] = {}
    for box in boxes:
        told = table(box.get("tracking"))
        known = first(box.get("parcelNumber"), told.get("waybill"))
        if named := known or identity(box.get("id")):  # without a number of its own a parcel is still one of several
            labels.setdefault(named, _Label(number=known, url=link(told.get("trackingUrl")) or whole))
    if labels:
        return list(labels.values())
    for one in waybills:
        if named := text(one.get("waybill")):
            labels.setdefault(named, _Label(number=named, url=link(one.get("trackingUrl"))))
    if not labels and (named := text(table(source.get("orderInfo")).get("wayBill"))):
        labels[named] = _Label(number=named, url=None)
    return list(labels.values())
