"""Deliveries that are sent -> parcels. Each has its own address, articles and number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import identity, quantity, rows, text
from connectors.parts.values.waybills import numbers
from connectors.sources.stores.arrivals import estimated
from connectors.sources.stores.parties import recipient
from connectors.sources.stores.words import kind, when
from engine.contracts import Ref, ShipmentSeen
from engine.model.shipment import Packed


def parcels(order: Mapping[str, Any], order_id: str, as_of: datetime, *, mails: bool) -> tuple[ShipmentSeen, ...]:
    """One for each number of a delivery, or one for a delivery that has none. The first has the delivery's own id;
    further ones are "<id>-2". What the customer fetches, downloads or shows at a door is no parcel."""
    sent = [one for one in rows(order.get("deliveries")) if kind(one) == "parcel" and identity(one.get("id"))]
    going = [one for one in sent if when(one, "shipped_at") or not when(one, "canceled_at")]
    total = sum(max(1, len(numbers(one.get("tracking_number")))) for one in going)
    return tuple(
        _parcel(
            one, Ref(order_id=order_id, tracking_number=number), place, when(order, "ordered_at"), as_of, total, mails
        )
        for one in sent
        for place, number in enumerate(numbers(one.get("tracking_number")) or (None,))
    )


def _parcel(
    one: Mapping[str, Any],
    ref: Ref,
    place: int,
    ordered_at: datetime | None,
    as_of: datetime,
    siblings: int,
    mails: bool,
) -> ShipmentSeen:
    own_id = identity(one.get("id"))
    left = when(one, "shipped_at")
    method = text(one.get("delivery_method_name"))
    start, end = estimated(one, ordered_at)
    return ShipmentSeen(
        ref=Ref(
            order_id=ref.order_id,
            shipment_id=f"{own_id}-{place + 1}" if place else own_id,
            tracking_number=ref.tracking_number,
        ),
        as_of=as_of,
        dispatched_at=left,
        cancelled_at=None if left else when(one, "canceled_at"),
        carrier=slug(method),
        carrier_name=method,
        contents=_contents(one) if len(numbers(one.get("tracking_number"))) < 2 else None,
        recipient=recipient(one),
        eta_from=start,
        eta_until=end,
        siblings=siblings or None,
        source_notified=True if left and mails else None,
    )


def _contents(one: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    packed = tuple(
        Packed(
            quantity=quantity(item.get("quantity")),
            line_id=line_id,
            sku=text(item.get("code")) or text(item.get("barcode")),
            name=text(item.get("name")),
        )
        for item in rows(one.get("items"))
        if (line_id := identity(item.get("id")))
    )
    return packed or None
