"""Slips -> parcels: one for each tracking number, or one for a slip that was sent without any."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from connectors.parts.parcels.carriers import slug
from connectors.parts.values import days
from connectors.parts.values.loose import text
from connectors.parts.values.slots import arrival
from connectors.parts.values.waybills import numbers
from connectors.sources.next_engine.lines import merged_from, packed, units
from connectors.sources.next_engine.orders import dispatched, given_up, ref
from connectors.sources.next_engine.parties import recipient
from connectors.sources.next_engine.slips import Order, Slip
from connectors.sources.next_engine.words import BASE, ZONE
from engine.contracts import Ref, ShipmentSeen
from engine.model.shipment import Packed


def parcels(order: Order, merged: Mapping[str, Order]) -> list[ShipmentSeen]:
    """The parcels of an order. `merged` tells of which order a slip was that was merged into one of these: what is
    sent for it is that order's parcel too."""
    live = [slip for slip in order.slips if not slip.merged]
    siblings = _siblings(order, live)
    seen = [one for slip in live for one in _of(slip, order, siblings, merged)]
    for slip in live:
        inside = {source for row in slip.rows or () if (source := merged_from(row)) in merged}
        for source in sorted(inside - {None}, key=str):
            seen += _for_another(slip, source or "", order, merged[source or ""])
    return seen


def parcel_ids(slip: Slip) -> list[tuple[str, str | None]]:
    """The names of the slip's parcels, each with its tracking number. The first goes by the slip's id, so that a
    number which is added later belongs to the same parcel."""
    found = numbers(slip.fields.get(BASE + "delivery_cut_form_id"))
    if not found:
        sent = dispatched(slip) or days.day(slip.fields.get(BASE + "send_date"), ZONE)
        return [(slip.id, None)] if sent else []
    return [(f"{slip.id}-{number}" if place else slip.id, number) for place, number in enumerate(found)]


def _of(slip: Slip, order: Order, siblings: int | None, merged: Collection[str]) -> list[ShipmentSeen]:
    names = parcel_ids(slip)
    contents = packed(units(slip, order.slips, merged)) if slip.rows is not None and len(names) == 1 else None
    return [_parcel(slip, ref(order), name, number, contents, siblings) for name, number in names]


def _for_another(slip: Slip, source: str, order: Order, other: Order) -> list[ShipmentSeen]:
    """The slip's parcels as those of an order that was merged into it."""
    names = parcel_ids(slip)
    own = [unit for unit in units(slip, (*order.slips, *other.slips)) if merged_from(unit.row) == source]
    contents = packed(own) if len(names) == 1 else None
    return [
        _parcel(slip, ref(other), f"{name}/{source}", number, contents, len(names) if dispatched(slip) else None)
        for name, number in names
    ]


def _siblings(order: Order, live: list[Slip]) -> int | None:
    """How many parcels the order has in all, once a parcel of each slip is known."""
    sent = [slip for slip in live if not given_up(slip)]
    if not order.whole or not any(dispatched(slip) for slip in sent):
        return None
    return sum(max(1, len(parcel_ids(slip))) for slip in sent)


def _parcel(
    slip: Slip, of: Ref, name: str, number: str | None, contents: tuple[Packed, ...] | None, siblings: int | None
) -> ShipmentSeen:
    fields = slip.fields
    carrier = text(fields.get(BASE + "delivery_name"))
    sent_on = days.happened(fields.get(BASE + "send_date"), ZONE, slip.changed_at)
    wished = days.day(fields.get(BASE + "hope_delivery_date"), ZONE)
    eta_from, eta_until = arrival(wished, fields.get(BASE + "hope_delivery_time_slot_name"), ZONE)
    left = dispatched(slip)
    return ShipmentSeen(
        ref=Ref(order_id=of.order_id, order_number=of.order_number, shipment_id=name, tracking_number=number),
        as_of=slip.changed_at,
        dispatched_at=(sent_on or slip.changed_at) if left else None,
        # a day of dispatch without the status: the confirmation was taken back, which Next Engine allows
        reverted=not left and sent_on is not None,
        cancelled_at=slip.changed_at if given_up(slip) and not left else None,
        carrier=slug(carrier),
        carrier_name=carrier,
        contents=contents or None,
        recipient=recipient(fields),
        eta_from=eta_from,
        eta_until=eta_until,
        siblings=siblings,
    )
