"""A return order of ShipBob -> ReturnSeen, or the way back of a parcel that could not be delivered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import identity, quantity, rows, text
from connectors.sources.shipbob.words import latest, meaning, when
from engine.contracts import Reading, Ref, ReturnSeen, ScanSeen, Unreadable
from engine.model.shipment import Packed

TO_SENDER = frozenset({"rts", "returntosender"})
TIMES = ("completed_date", "processing_date", "arrived_date", "awaiting_arrival_date", "cancelled_date", "insert_date")


def returned(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """Raises Unreadable for a return without id. A cancelled return says nothing to a customer."""
    return_id = identity(source.get("id")) or text(source.get("reference_id"))
    if return_id is None:
        raise Unreadable("the return has neither id nor reference_id")
    status, unmapped = meaning("returns", source.get("status"))
    ref = Ref(
        order_number=text(source.get("store_order_id")),
        shipment_id=identity(source.get("original_shipment_id")),
        return_id=return_id,
    )
    history = _history(source)
    as_of = max([at for at in (latest(source, *TIMES), *history.values()) if at], default=received_at)
    if status.get("status") == "called_off":
        return Reading(ignored="a return that was called off")
    kind = (text(source.get("return_type")) or "").lower().replace(" ", "").replace("_", "")
    if kind in TO_SENDER:
        return Reading(observations=tuple(_way_back(source, ref, history, status)), unmapped=unmapped)
    seen = ReturnSeen(
        ref=ref,
        as_of=as_of,
        contents=_contents(source),
        requested_at=when(source, "insert_date") or min(history.values(), default=None),
        approved_at=when(source, "awaiting_arrival_date") or history.get("approved"),
        declined_at=history.get("declined", as_of) if status.get("status") == "declined" else None,
        received_at=_arrived(source, history, status, as_of),
    )
    return Reading(observations=(seen,), unmapped=unmapped)


def _way_back(
    source: Mapping[str, Any], ref: Ref, history: Mapping[str, datetime], status: Mapping[str, str]
) -> list[ScanSeen]:
    """ "Return to sender": the customer has asked for nothing; the parcel itself comes back."""
    parcel = Ref(
        order_number=ref.order_number,
        shipment_id=ref.shipment_id,
        tracking_number=text(source.get("shipment_tracking_number")) or (
            None if ref.shipment_id else text(source.get("tracking_number"))
        ),
    )  # fmt: skip
    if parcel.shipment_id is None and parcel.tracking_number is None:
        return []
    begun = when(source, "insert_date", "awaiting_arrival_date")
    arrived = _arrived(source, history, status, None)
    back = [ScanSeen(ref=parcel, as_of=begun, status="return_to_sender", leg=2)] if begun else []
    return [*back, ScanSeen(ref=parcel, as_of=arrived, status="returned", leg=2)] if arrived else back


def _arrived(
    source: Mapping[str, Any], history: Mapping[str, datetime], status: Mapping[str, str], as_of: datetime | None
) -> datetime | None:
    told = when(source, "arrived_date") or history.get("received") or when(source, "processing_date", "completed_date")
    return told or (as_of if status.get("status") == "received" else None)


def _history(source: Mapping[str, Any]) -> dict[str, datetime]:
    """When each of our stages was first reached, as `status_history` has it."""
    first_at: dict[str, datetime] = {}
    for row in rows(source.get("status_history")):
        stage = meaning("returns", row.get("status"))[0].get("status")
        at = when(row, "timestamp", "date", "created_at")
        if stage and at:
            first_at[stage] = min(at, first_at.get(stage, at))
    return first_at


def _contents(source: Mapping[str, Any]) -> tuple[Packed, ...]:
    return tuple(
        Packed(quantity=units, sku=text(item.get("sku")), name=text(item.get("name")))
        for item in rows(source.get("inventory"))
        if (units := quantity(item.get("quantity")))
    )
