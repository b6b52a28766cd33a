"""What came back of a slip that was sent: a customer's return, or a parcel that the carrier brought home."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.parts.values import days
from connectors.parts.values.loose import first, quantity, text
from connectors.sources.next_engine.lines import Unit, packed, units
from connectors.sources.next_engine.orders import dispatched, ref
from connectors.sources.next_engine.parcels import parcel_ids
from connectors.sources.next_engine.slips import Order, Slip
from connectors.sources.next_engine.words import BASE, ROW, ZONE, meaning
from engine.contracts import Observation, Ref, ReturnSeen, ScanSeen
from engine.model.shipment import Packed


def returns(order: Order) -> Iterator[Observation]:
    """At most one return for each slip, and one scan for each of its parcels."""
    for slip in order.slips:
        if not dispatched(slip) or slip.merged:
            continue
        said = meaning("cancels", slip.fields.get(BASE + "cancel_type_id"))[0]
        if "home" in said:
            yield from _came_home(slip, order, said["home"])
        elif contents := _returned(slip, order, everything="returned" in said):
            yield _return(slip, order, contents)
        elif "returned" in said:
            yield _return(slip, order, ())


def _came_home(slip: Slip, order: Order, reason: str) -> Iterator[ScanSeen]:
    of = ref(order)
    at = days.happened(slip.fields.get(BASE + "cancel_date"), ZONE, slip.changed_at) or slip.changed_at
    for name, number in parcel_ids(slip):
        yield ScanSeen(
            ref=Ref(order_id=of.order_id, order_number=of.order_number, shipment_id=name, tracking_number=number),
            as_of=at,
            status="returned",
            reason=reason,
            text=text(slip.fields.get(BASE + "cancel_type_name")),
            raw_code=text(slip.fields.get(BASE + "cancel_type_id")),
            leg=2,
        )


def _return(slip: Slip, order: Order, contents: tuple[Packed, ...]) -> ReturnSeen:
    of = ref(order)
    reasons = (row.get(ROW + "returned_reason_name") for row in slip.rows or ())
    cancelled = meaning("cancels", slip.fields.get(BASE + "cancel_type_id"))[0].get("returned")
    at = days.happened(slip.fields.get(BASE + "cancel_date"), ZONE, slip.changed_at) if cancelled else None
    return ReturnSeen(
        ref=Ref(order_id=of.order_id, order_number=of.order_number, return_id=slip.id),
        as_of=slip.changed_at,
        contents=contents,
        received_at=at or slip.changed_at,
        reason=first(*reasons, slip.fields.get(BASE + "cancel_type_name") if cancelled else None),
    )


def _returned(slip: Slip, order: Order, *, everything: bool) -> tuple[Packed, ...]:
    """The units that the warehouse counted as returned, in good or bad condition; all of them when the slip as a
    whole is a return and nobody has counted."""
    found = units(slip, order.slips)
    counted = [
        Unit(line=unit.line, row=unit.row, quantity=count, cancelled=False)
        for unit in found
        if (count := sum(quantity(unit.row.get(f"{ROW}returned_{kind}_quantity")) for kind in ("good", "bad")))
    ]
    return packed(counted or (found if everything else ()))
