"""A delivery (出荷伝票) -> parcels: one for each tracking number, of every order that travels in it (同梱)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from connectors.parts.values import days
from connectors.parts.values.loose import first, identity, quantity, rows, table, text
from connectors.parts.values.slots import arrival
from connectors.parts.values.waybills import numbers
from connectors.sources.logiless.parties import party
from connectors.sources.logiless.words import ZONE, Record, carrier, says, unmapped, when
from engine.contracts import Reading, Ref, ShipmentSeen, Unreadable
from engine.model.shipment import Packed

STATUSES = {
    "document_status": "documents",
    "allocation_status": "allocations",
    "delivery_status": "deliveries",
}
NUMBERS = ("delivery_tracking_numbers", "tracking_numbers", "delivery_tracking_number", "tracking_number")
_OWN_CODE = re.compile(r"2\d{12}")  # how LOGILESS itself numbers deliveries and articles


def delivery(
    record: Record, received_at: datetime, *, order: Ref | None = None, siblings: int | None = None
) -> Reading:
    """The parcels of a delivery. `order` is the order that it was shown in, `siblings` how many parcels that has.
    Raises Unreadable for a delivery that names nothing: neither itself, nor a number, nor an order."""
    own_id = identity(record.get("id")) or text(record.get("code"))
    tracked = tracking(record)
    orders = _orders(record, order)
    if own_id is None and not tracked and orders == [Ref()]:
        raise Unreadable("the delivery has neither id nor tracking number nor order")
    seen = []
    for place, ref in enumerate(orders):
        contents = _contents(record, ref, several=len(orders) > 1) if len(tracked) < 2 else None
        for count, number in enumerate(tracked or [None]):
            name = own_id and (f"{own_id}/{ref.order_id or ref.order_number}" if place else own_id)
            named = f"{name}-{number}" if name and count else name
            of = Ref(order_id=ref.order_id, order_number=ref.order_number, shipment_id=named, tracking_number=number)
            seen.append(_parcel(record, of, received_at, contents, siblings if ref == order else None))
    known = [*unmapped(record, STATUSES)]
    known += [raw for line in rows(record.get("lines")) for raw in unmapped(line, {"status": "lines"})]
    return Reading(observations=tuple(seen), unmapped=tuple(dict.fromkeys(known)))


def unnamed(record: Record, order: Ref, as_of: datetime) -> ShipmentSeen:
    """The parcel of an order that was sent and shows no delivery: the one that the delivery itself will name."""
    number = next(iter(tracking(record)), None)
    return _parcel(record, Ref(order_id=order.order_id, order_number=order.order_number, tracking_number=number), as_of)


def tracking(record: Record) -> tuple[str, ...]:
    """All tracking numbers of the record."""
    return tuple(dict.fromkeys(number for name in NUMBERS for number in numbers(record.get(name))))


def count_parcels(deliveries: Iterable[Record]) -> int | None:
    """How many parcels these deliveries are, without those that were cancelled; None before one of them has left."""
    there = [one for one in deliveries if not _cancelled(one)]
    return sum(max(1, len(tracking(one))) for one in there) if any(_shipped(one) for one in there) else None


def _parcel(
    record: Record, ref: Ref, received_at: datetime, contents: tuple[Packed, ...] | None = None,
    siblings: int | None = None
) -> ShipmentSeen:  # fmt: skip
    as_of = when(record, "updated_at", "finished_at", "created_at") or received_at
    cancelled = _cancelled(record)
    slug, name = carrier(record.get("delivery_method"))
    wished = days.day(record.get("delivery_preferred_date"), ZONE)
    eta_from, eta_until = arrival(wished, record.get("delivery_preferred_time_zone"), ZONE)
    return ShipmentSeen(
        ref=ref,
        as_of=as_of,
        dispatched_at=(days.happened(record.get("finished_at"), ZONE, as_of) or as_of) if _shipped(record) else None,
        cancelled_at=as_of if cancelled else None,
        carrier=slug,
        carrier_name=name,
        contents=contents,
        recipient=party(record, "recipient"),
        eta_from=eta_from,
        eta_until=eta_until,
        siblings=siblings,
    )


def _cancelled(record: Record) -> bool:
    return "cancelled" in _said(record)


def _shipped(record: Record) -> bool:
    return "shipped" in _said(record) and not _cancelled(record)


def _said(record: Record) -> Mapping[str, str]:
    return {
        **says(record, "documents", "document_status", "status"),
        **says(record, "deliveries", "delivery_status"),
    }


def _orders(record: Record, order: Ref | None) -> list[Ref]:
    """The order that the delivery is of, then those that travel with it: lines tell where they came from."""
    stated = _ref(table(record.get("sales_order")))
    found = [stated] if stated else []
    found += [ref for line in rows(record.get("lines")) if (ref := _ref(table(line.get("origin"))))]
    if order and not any(_same(order, ref) for ref in found):
        found.append(order)
    if not found:
        code = next((one for one in (text(record.get("object_code")), text(record.get("code"))) if one), None)
        found = [Ref(order_number=None if code and _OWN_CODE.fullmatch(code) else code)]
    refs: list[Ref] = []
    for ref in found:
        if not any(_same(ref, known) for known in refs):
            refs.append(order if order and _same(ref, order) else ref)
    return refs


def _ref(told: Mapping[str, object]) -> Ref | None:
    ref = Ref(order_id=identity(told.get("id")), order_number=text(told.get("code")))
    return None if ref == Ref() else ref


def _same(one: Ref, other: Ref) -> bool:
    if one.order_id and other.order_id:
        return one.order_id == other.order_id
    return one.order_number is not None and one.order_number == other.order_number


def _contents(record: Record, order: Ref, *, several: bool) -> tuple[Packed, ...] | None:
    """The order's part of what is in it, by the article's code: the ids of a delivery's lines are its own."""
    packed = []
    for line in rows(record.get("lines")):
        origin = _ref(table(line.get("origin")))
        if (line.get("is_child")) or "cancelled" in says(line, "lines", "status"):
            continue
        if several and (origin is None or not _same(origin, order)):
            continue
        if count := quantity(line.get("quantity")):
            article = table(line.get("article"))
            sku = first(line.get("article_code"), article.get("code"))
            packed.append(
                Packed(quantity=count, sku=sku, name=first(line.get("article_name"), article.get("name"), sku))
            )
    return tuple(packed) or None
