"""Where every ordered unit is: unshipped, shipped in parcel k, cancelled or returned; exactly one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from engine.model.facts import Facts
from engine.model.order import Line, Quantity
from engine.model.shipment import RANK, Packed, Shipment, Status
from engine.rules.lately import lately

ABSENT: frozenset[Status] = frozenset({"lost", "cancelled"})  # finals that do not show the parcel moving
DUST = 6  # digits kept of a fraction: 0.3 - 0.1 - 0.2 leaves nothing


class Units(Struct, frozen=True, kw_only=True):
    """The units of one ordered line; the four add up to `ordered`."""

    ordered: Quantity
    unshipped: Quantity
    shipped: Mapping[str, Quantity]  # parcel key -> units in it
    cancelled: Quantity
    returned: Quantity


def left_at(parcel: Shipment) -> datetime | None:
    """When the parcel left the warehouse, by its word or by the first scan that shows it moving. None for
    one that is cancelled, not gone yet, or a return parcel, which never left the warehouse."""
    if parcel.status == "cancelled":
        return None
    if parcel.dispatched_at:
        return parcel.dispatched_at
    for scan in parcel.scans:
        if not scan.leg and RANK[scan.status] >= RANK["picked_up"] and scan.status not in ABSENT:
            return scan.at
    return None


def travels(facts: Facts, parcel: Shipment) -> bool:
    """Does anything travel in the parcel? Shops "fulfil" gift cards, downloads and what is handed over at the
    till too. False only when that is all it can hold; a tracking number proves the opposite."""
    lines: Sequence[Line | None] = facts.order.lines
    if parcel.contents:
        lines = [find(packed, facts.order.lines) for packed in parcel.contents]
    return bool(parcel.number) or not lines or any(line is None or line.ships for line in lines)


@lately
def dispatched(facts: Facts) -> Sequence[Shipment]:
    """The parcels that have left and that somebody waits for, in the order in which they left."""
    return [parcel for parcel in _gone(facts) if travels(facts, parcel)]


@lately
def siblings(facts: Facts) -> int | None:
    """How many parcels a source says there are in all, where one does; it counts those without goods too."""
    said = [parcel.siblings for parcel in facts.shipments.values() if parcel.siblings]
    without = sum(not travels(facts, parcel) for parcel in _gone(facts))
    return max(max(said) - without, 0) or None if said else None


@lately
def _gone(facts: Facts) -> Sequence[Shipment]:
    """All that have left, with goods or without; of two at once the first heard of comes first."""
    left = [(at, parcel) for parcel in facts.shipments.values() if (at := left_at(parcel))]
    return [parcel for _, parcel in sorted(left, key=lambda one: one[0])]


@lately
def account(facts: Facts) -> Mapping[str, Units]:
    """Line id -> units. What has physically left outweighs a claimed cancellation; claims beyond what was
    ordered are cut. A parcel whose contents nobody states holds what is left, once no parcel is missing.
    What a carrier brought back undelivered is returned without anybody's claim."""
    lines = facts.order.lines
    room: dict[str, Quantity] = {line.id: max(line.quantity, 0) for line in lines}
    ordered = dict(room)
    parcels = _gone(facts)
    shipped: dict[str, dict[str, Quantity]] = {line.id: {} for line in lines}
    for parcel in parcels:
        for line_id, taken in _take(parcel.contents or (), lines, room).items():
            shipped[line_id][parcel.key] = taken
    claims = {goods: _claimed(facts, goods, ordered) for goods in ("cancelled", "returned")}
    unstated = [parcel for parcel in parcels if parcel.contents is None]
    complete = bool(unstated) and len(dispatched(facts)) >= (siblings(facts) or 0)
    home = [parcel.key for parcel in parcels if parcel.status == "returned" and not parcel.delivered_at]
    units = {}
    for line in lines:
        left = room[line.id]
        claimed = max(line.cancelled, claims["cancelled"].get(line.id, 0))
        cancelled = left if facts.order.cancelled_at else min(claimed, left)
        left = round(left - cancelled, DUST)
        if complete and line.ships and left:
            shipped[line.id][unstated[-1].key] = left
            left = 0
        returned = _take_back(shipped[line.id], home, claims["returned"].get(line.id, 0))
        units[line.id] = Units(
            ordered=ordered[line.id],
            unshipped=left,
            shipped=shipped[line.id],
            cancelled=cancelled,
            returned=returned,
        )
    return units


def _take(contents: Iterable[Packed], lines: Sequence[Line], room: dict[str, Quantity]) -> dict[str, Quantity]:
    """Move packed units out of the room of their lines; how many of each line there was room for."""
    taken: dict[str, Quantity] = {}
    for packed in contents:
        wanted = max(packed.quantity, 0)
        for line in matches(packed, lines):
            if take := min(wanted, room[line.id]):
                room[line.id] = round(room[line.id] - take, DUST)
                taken[line.id] = round(taken.get(line.id, 0) + take, DUST)
                wanted = round(wanted - take, DUST)
    return taken


def _take_back(shipped: dict[str, Quantity], home: Sequence[str], claimed: Quantity) -> Quantity:
    """Move returned units out of the parcels: all of those that came home, and more of the others, the
    last parcel first, as far as the claim goes; how many were moved."""
    returned: Quantity = sum(shipped.pop(key, 0) for key in home)
    for key in reversed(list(shipped)):
        take = max(min(shipped[key], claimed - returned), 0)
        shipped[key] = round(shipped[key] - take, DUST)
        returned = round(returned + take, DUST)
        if not shipped[key]:
            del shipped[key]
    return returned


def _claimed(facts: Facts, goods: str, ordered: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Line id -> units that returns and refunds speak of, no more than were ordered."""
    claims = [
        packed
        for back in facts.returns.values()
        if back.goods == goods and not back.declined_at
        if goods != "returned" or back.received_at or back.refunded_at
        for packed in back.contents
    ]  # fmt: skip
    return _take(claims, facts.order.lines, dict(ordered)) if claims else {}


def matches(packed: Packed, lines: Sequence[Line]) -> list[Line]:
    """The ordered lines that a packed article can belong to, found by line id, else by sku, else by name.
    An article ordered on two lines fills the first one first."""
    for mine, theirs in (("line_id", "id"), ("sku", "sku"), ("name", "name")):
        wanted = getattr(packed, mine)
        if wanted and (found := [line for line in lines if getattr(line, theirs) == wanted]):
            return found
    return []


def find(packed: Packed, lines: Sequence[Line]) -> Line | None:
    """The ordered line that a packed article belongs to; of several the first."""
    return next(iter(matches(packed, lines)), None)
