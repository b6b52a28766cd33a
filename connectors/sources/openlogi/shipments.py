"""A shipment of Openlogi -> its parcels, and what the warehouse knows of the order: stock and the day of dispatch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.bodies.statusmap import meaning
from connectors.parts.parcels.carriers import slug
from connectors.parts.values.countries import country
from connectors.parts.values.days import day
from connectors.parts.values.loose import identity, link, quantity, raw_status, rows, table, text
from connectors.parts.values.people import address, somebody
from connectors.parts.values.waybills import numbers
from connectors.sources.openlogi.words import MAP, ZONE, as_of, expected, mailed, order_number, when
from engine.contracts import Delivery, OrderSeen, Reading, Ref, ShipmentSeen, Unreadable
from engine.model.customer import Party
from engine.model.shipment import Packed

AT_HOME = {
    "company": "company",
    "postal_code": "postcode",
    "country": "country",
    "region": "prefecture",
    "city": "city",
    "line1": "address1",
    "line2": "address2",
    "phone": "phone",
}


def shipment(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for a shipment without id."""
    own_id = identity(source.get("id"))
    if own_id is None:
        raise Unreadable("the shipment has no id")
    if text(source.get("fba_shipment_id")):
        return Reading(ignored="a shipment to a warehouse of Amazon, not to a customer")
    said, unmapped = meaning(MAP["shipments"], source.get("status"))
    at = as_of(source, delivery)
    return Reading(
        observations=(*_order(source, at, said), *_parcels(source, own_id, at, said)),
        unmapped=unmapped,
    )


def gone(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """A shipment that was open and is not there any more: its request was cancelled. [unconfirmed]"""
    own_id = identity(source.get("id"))
    if own_id is None:
        raise Unreadable("the shipment has no id")
    at = as_of(source, delivery)
    ref = Ref(order_number=order_number(source), shipment_id=own_id)
    return Reading(observations=(ShipmentSeen(ref=ref, as_of=at, cancelled_at=at),))


def _order(source: Mapping[str, Any], at: datetime, said: Mapping[str, str]) -> tuple[OrderSeen, ...]:
    """The warehouse's part of the order only. Articles and sums are what is printed on a slip, and names are cut after
    fifteen characters: the shop's count."""
    number = order_number(source)
    allocated = {"true": True, "false": False}.get(said.get("allocated", ""))
    ships_on = day(source.get("assigned_shipping_date"), ZONE)
    if number is None or (allocated is None and ships_on is None):
        return ()
    return (OrderSeen(ref=Ref(order_number=number), as_of=at, allocated=allocated, ships_on=ships_on),)


def _parcels(source: Mapping[str, Any], own_id: str, at: datetime, said: Mapping[str, str]) -> tuple[ShipmentSeen, ...]:
    """One for each number, or one for a shipment that has none yet. The first has the shipment's own id, whatever
    number it gets later; further ones are "<id>-2". What is in which of several is not told."""
    found = _numbers(source) or (None,)
    service = text(source.get("delivery_service")) or text(source.get("delivery_carrier"))
    left = (when(source, "shipped_at") or at) if "shipped" in said else None
    start, end = expected(source)
    page = link(source.get("url"))
    return tuple(
        ShipmentSeen(
            ref=Ref(
                order_number=order_number(source),
                shipment_id=f"{own_id}-{place + 1}" if place else own_id,
                tracking_number=number,
            ),
            as_of=at,
            dispatched_at=left,
            cancelled_at=at if "cancelled" in said else None,
            carrier=slug(service),
            carrier_name=service,
            url=page if len(found) < 2 else None,
            contents=_contents(source) if len(found) < 2 else None,
            recipient=_recipient(source),
            eta_from=start,
            eta_until=end,
            source_notified=mailed(source) if left else None,
        )
        for place, number in enumerate(found)
    )


def _numbers(source: Mapping[str, Any]) -> tuple[str, ...]:
    """Every number: of each box, in the list, and the one that stands alone, which is one of them."""
    boxes = [box.get("tracking_code") for box in rows(source.get("packages"))]
    listed = source.get("tracking_codes")
    return numbers([*boxes, *(listed if isinstance(listed, list) else [listed]), source.get("tracking_code")])


def _contents(source: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    """By the shop's article code: the lines of the order are the shop's."""
    packed = tuple(
        Packed(quantity=quantity(item.get("quantity")), sku=text(item.get("code")), name=text(item.get("name")))
        for item in rows(source.get("items"))
        if quantity(item.get("quantity"))
    )
    return packed or None


def _recipient(source: Mapping[str, Any]) -> Party | None:
    """Who receives the goods; abroad the street stands in `address`."""
    to = table(source.get("recipient"))
    name = text(to.get("name"))
    land = country(to.get("region_code")) or ("JP" if text(to.get("prefecture")) else None)
    lives = any(text(to.get(key)) for key in ("postcode", "prefecture", "address1", "address", "city"))
    where = {**to, "country": land, "address1": text(to.get("address1")) or to.get("address")}
    company = " ".join(part for key in ("company", "division") if (part := text(to.get(key))))
    return somebody(
        Party(
            name=name,
            email=text(source.get("shipping_email")),
            phone=text(to.get("phone")),
            address=address({**where, "company": company}, AT_HOME, name) if lives else None,
        )
    )


def is_done(source: Mapping[str, Any]) -> bool:
    """Has the shipment left?"""
    return raw_status(source.get("status")) == "shipped"
