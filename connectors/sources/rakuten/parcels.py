"""Packages (送付先) and their shipments (発送) -> parcels: one for each tracking number."""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from connectors.parts.values import days
from connectors.parts.values.loose import identity, number
from connectors.parts.values.slots import Slot, arrival
from connectors.parts.values.waybills import numbers
from connectors.sources.rakuten.lines import contents, packages
from connectors.sources.rakuten.parties import recipient
from connectors.sources.rakuten.words import ZONE, Record, carrier, meaning, models, when
from engine.contracts import Ref, ShipmentSeen

HALVES = {1: "午前", 2: "午後"}


def parcels(order: Record, of: Ref, as_of: datetime) -> list[ShipmentSeen]:
    """The order's parcels. Before the shop has reported the dispatch (発送完了報告) a number is only a label."""
    reported = reported_at(order, as_of)
    slot = _slot(order)
    seen = [
        _parcel(
            package, shipping, Ref(order_id=of.order_id, order_number=of.order_number, **name), as_of, reported, slot
        )
        for package, shipping, name in _named(order, of, sent=reported is not None)
    ]
    return [structs.replace(one, siblings=len(seen) if reported else None) for one in seen]


def reported_at(order: Record, as_of: datetime) -> datetime | None:
    """When the shop reported that all was sent; None while it has not. An order that is cancelled later keeps it."""
    said = meaning("progress", order.get("orderProgress"))[0]
    told = when(order, "shippingCmplRptDatetime")
    if "dispatched" in said:
        return told or as_of
    return told if "reported" in said else None


def _named(order: Record, of: Ref, *, sent: bool) -> list[tuple[Record, Record, dict[str, str | None]]]:
    """Package, shipment and names of each parcel. A package's first parcel goes by the package, so that a number
    which is added later belongs to the same parcel."""
    found: list[tuple[Record, Record, dict[str, str | None]]] = []
    for place, package in enumerate(packages(order), 1):
        basket = f"{of.order_number}/{identity(package.get('basketId')) or place}"
        tracked = {
            one: shipping for shipping in models(package, "ShippingModelList")
            for one in numbers(shipping.get("shippingNumber"))
        }  # fmt: skip
        for count, (tracking, shipping) in enumerate(tracked.items()):
            name = f"{basket}/{tracking}" if count else basket
            found.append((package, shipping, {"shipment_id": name, "tracking_number": tracking}))
        if not tracked and sent:
            shipping = next(iter(models(package, "ShippingModelList")), {})
            found.append((package, shipping, {"shipment_id": basket, "tracking_number": None}))
    return found


def _parcel(
    package: Record, shipping: Record, ref: Ref, as_of: datetime, reported: datetime | None, slot: Slot
) -> ShipmentSeen:
    slug, name = carrier(shipping.get("deliveryCompany"), shipping.get("deliveryCompanyName"))
    alone = sum(len(numbers(one.get("shippingNumber"))) for one in models(package, "ShippingModelList")) < 2
    return ShipmentSeen(
        ref=ref,
        as_of=as_of,
        dispatched_at=(days.happened(shipping.get("shippingDate"), ZONE, reported) or reported) if reported else None,
        carrier=slug,
        carrier_name=name,
        contents=contents(package) if alone else None,
        recipient=recipient(package),
        eta_from=slot[0],
        eta_until=slot[1],
    )


def _slot(order: Record) -> Slot:
    """The day and time that the customer has chosen: 1 morning, 2 afternoon, 1416 from 14 to 16 o'clock."""
    term = number(order.get("shippingTerm"))
    hours = None if term is None or term < 100 else f"{int(term):04d}"
    return arrival(days.day(order.get("deliveryDate"), ZONE), HALVES.get(int(term or 0)) or hours, ZONE)
