"""One parcel: snapshots and scans of it, taken in the order of their `as_of`, and where it stands then.

A final status is left only by the way back. "Lost" and "cancelled" say that nothing moves, so a scan that
shows the parcel moving disproves them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.contracts import ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.shipment import RANK, Scan, Shipment, Status
from engine.rules.identify import number_of

# A carrier's own terminal may report its last scans minutes after "delivered"; a pick-up this much later
# under the same number is the parcel travelling back (some returns reuse the waybill).
RETURN_LEG_AFTER = timedelta(hours=1)
WAY_BACK: frozenset[Status] = frozenset({"return_to_sender", "returned"})
AFTER_DELIVERY: frozenset[Status] = WAY_BACK | {"picked_up"}
ARRIVED: frozenset[Status] = frozenset({"delivered", "returned"})
MOVED = RANK["picked_up"]


def said(seen: Struct, *names: str) -> dict[str, Any]:
    """The fields about which the value says anything; None is silence, not denial."""
    return {name: value for name in names if (value := getattr(seen, name)) is not None}


def party(known: Party | None, told: Party | None) -> Party | None:
    """A redacted or partial party never erases what was known of the person."""
    if told is None or known is None or known == told:
        return told or known
    return replace(known, **said(told, *told.__struct_fields__))


def with_snapshot(known: Shipment, seen: ShipmentSeen) -> Shipment:
    """The parcel after a newer snapshot of it."""
    changes = said(
        seen, "carrier", "carrier_name", "url", "contents", "eta_from", "eta_until", "siblings",
        "cancelled_at", "source_notified", "silent",
    )  # fmt: skip
    if number := number_of(seen.ref):
        changes["number"] = number
    if (seen.leg or 1) > known.leg:
        known = _sent_back(known, seen.as_of)
    if seen.reverted:
        if known.dispatched_at:
            changes.update(dispatched_at=None, reverted_at=seen.as_of, reverts=known.reverts + 1)
    elif seen.dispatched_at and known.leg == 1:
        changes["dispatched_at"] = min(known.dispatched_at or seen.dispatched_at, seen.dispatched_at)
    parcel = replace(known, **changes, recipient=party(known.recipient, seen.recipient))
    if parcel.leg > 1 or (RANK[parcel.status] >= MOVED and parcel.status != "cancelled"):
        return parcel
    if parcel.cancelled_at:
        return replace(parcel, status="cancelled", status_at=parcel.cancelled_at)
    if parcel.dispatched_at:
        return replace(parcel, status="label_created", status_at=parcel.dispatched_at)
    return replace(parcel, status="pending", status_at=seen.as_of) if seen.reverted else parcel


def with_scan(known: Shipment, seen: ScanSeen) -> Shipment:
    """The parcel after a newer scan of it."""
    told = said(seen, "status", "reason", "substatus", "text", "place", "raw_code", "until", "leg")
    number = number_of(seen.ref)
    if number and not known.number:
        known = replace(known, number=number)
    return _advance(known, Scan(at=seen.as_of, **told))


def _sent_back(parcel: Shipment, at: datetime) -> Shipment:
    """A source says that the parcel travels back. One that no warehouse sent out, a customer's own return
    parcel, did so from its first scan; else what was scanned so far was the way there."""
    scans = parcel.scans
    if parcel.dispatched_at is None:
        parcel = replace(parcel, scans=(), delivered_at=None)
    parcel = replace(parcel, leg=2, status="return_to_sender", status_at=at)
    if not parcel.scans:
        for scan in scans:
            parcel = _advance(parcel, scan)
    return parcel


def _advance(parcel: Shipment, scan: Scan) -> Shipment:
    back = parcel.leg > 1 or (scan.leg or 1) > 1 or _turns_back(parcel, scan)
    scan = replace(scan, leg=2 if back else None)
    if scan in parcel.scans:
        return parcel
    parcel = replace(parcel, scans=(*parcel.scans, scan), leg=2 if back else 1)
    status = _next(parcel.status, scan)
    if status is None:
        return parcel
    return replace(
        parcel,
        status=status,
        status_at=scan.at,
        delivered_at=scan.at if status == "delivered" else parcel.delivered_at,
        cancelled_at=parcel.cancelled_at or scan.at if status == "cancelled" else parcel.cancelled_at,
    )


def _turns_back(parcel: Shipment, scan: Scan) -> bool:
    if parcel.delivered_at is None:
        return scan.status in WAY_BACK
    return scan.status in AFTER_DELIVERY and scan.at - parcel.delivered_at >= RETURN_LEG_AFTER


def _next(status: Status, scan: Scan) -> Status | None:
    """The status after a scan; None when the scan changes nothing."""
    if scan.status == "unknown":
        return None
    if scan.leg:
        if status == "returned":
            return None
        return "returned" if scan.status in ARRIVED else "return_to_sender"
    if status == "delivered" or RANK[scan.status] < MOVED <= RANK[status]:
        return None
    return scan.status
