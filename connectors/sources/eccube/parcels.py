"""The Shippings of an order -> parcels. Each has a recipient, contents and a number of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import first, identity, link, rows, table, text
from connectors.parts.values.slots import NONE, Slot, arrival
from connectors.parts.values.times import zone_named
from connectors.parts.values.waybills import numbers
from connectors.sources.eccube.lines import articles
from connectors.sources.eccube.parties import recipient
from connectors.sources.eccube.words import when, zone
from engine.contracts import Delivery, Ref, ShipmentSeen
from engine.model.shipment import Packed


def parcels(
    order: Mapping[str, Any], order_id: str, delivery: Delivery, as_of: datetime, *, shipped: bool
) -> tuple[ShipmentSeen, ...]:
    """One per tracking number of each Shipping, or one for a Shipping that has none yet. `shipped` is what the order's
    status says: in the order's form it can be set without a date of dispatch."""
    shippings = [one for one in rows(order.get("Shippings")) if identity(one.get("id"))]
    total = sum(max(1, len(numbers(one.get("tracking_number")))) for one in shippings)
    return tuple(
        seen
        for one in shippings
        for seen in _of_shipping(order, one, Ref(order_id=order_id), zone(delivery), as_of, total, shipped=shipped)
    )


def _of_shipping(
    order: Mapping[str, Any],
    shipping: Mapping[str, Any],
    ref: Ref,
    local: str,
    as_of: datetime,
    siblings: int,
    *,
    shipped: bool,
) -> list[ShipmentSeen]:
    """The first parcel has the Shipping's own id, whatever number it gets later; further ones are "<id>-2". What is in
    which of several is not known."""
    own_id = identity(shipping.get("id"))
    found = numbers(shipping.get("tracking_number")) or (None,)
    carrier, name, page = _carrier(shipping)
    start, end = _arrival(shipping, local)
    return [
        ShipmentSeen(
            ref=Ref(
                order_id=ref.order_id,
                shipment_id=f"{own_id}-{place + 1}" if place else own_id,
                tracking_number=number,
            ),
            as_of=as_of,
            dispatched_at=when(shipping, "shipping_date") or (as_of if shipped else None),
            carrier=carrier,
            carrier_name=name,
            url=page,
            contents=_contents(order, shipping) if len(found) < 2 else None,
            recipient=recipient(shipping),
            eta_from=start,
            eta_until=end,
            siblings=siblings,
            source_notified=_mailed(shipping),
        )
        for place, number in enumerate(found)
    ]


def _carrier(shipping: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Slug, the shop's name for it, and the page that the shop gives for a carrier that we do not know."""
    chosen = table(shipping.get("Delivery"))
    name = first(shipping.get("shipping_delivery_name"), chosen.get("name"))
    carrier = slug(name) or slug(text(chosen.get("service_name")))
    return carrier, name, None if carrier else link(chosen.get("confirm_url"))


def _arrival(shipping: Mapping[str, Any], local: str) -> Slot:
    """The day and time of day that the customer has chosen; a day is kept as its first moment, told in UTC."""
    at = when(shipping, "shipping_delivery_date")
    if at is None:
        return NONE
    return arrival(at.astimezone(zone_named(local)).date(), shipping.get("shipping_delivery_time"), local)


def _contents(order: Mapping[str, Any], shipping: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    """Its articles: told by the Shipping, or by the order's items that name it."""
    own_id = identity(shipping.get("id"))
    mine = {identity(item.get("id")) for item in rows(shipping.get("OrderItems"))} | {
        identity(item.get("id"))
        for item in rows(order.get("OrderItems"))
        if identity(table(item.get("Shipping")).get("id")) == own_id
    }
    known = articles(order) or articles(shipping)
    packed = [
        Packed(quantity=line.quantity, line_id=line.id, sku=line.sku, name=line.name)
        for line in known
        if line.id in mine
    ]
    return tuple(packed) or None


def _mailed(shipping: Mapping[str, Any]) -> bool | None:
    """Whether EC-CUBE has sent its notice of dispatch; None when the payload does not have the field."""
    if "mail_send_date" not in shipping:
        return None
    return when(shipping, "mail_send_date") is not None
