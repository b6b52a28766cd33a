"""214, the carrier's status message -> scans, and what it says of the parcel on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from connectors.parts.bodies import statusmap
from connectors.parts.parcels import gs1, partner_codes
from connectors.parts.parcels.edi import Reader, on_the_way
from connectors.parts.parcels.ship_notice import past, until
from connectors.parts.values.arrivals import NOBODY_SAYS, Arrival
from connectors.parts.values.loose import raw_status
from connectors.parts.values.values import When
from connectors.sources.x12.clocks import clock_of, said
from connectors.sources.x12.envelope import Transaction
from connectors.sources.x12.parties import carrier
from connectors.sources.x12.segments import Segment
from engine.contracts import Observation, Ref, ScanSeen, Unreadable
from engine.model.shipment import Status

MAP = statusmap.load(Path(__file__).parent)
NUMBERS = ("2I", "CN", "08")  # of L11 and REF, when no package is marked (MAN*CP)
EXPECTED = "expected"  # in status_map.yaml: the time is that of the arrival


@dataclass(frozen=True, kw_only=True)
class Told:
    """One AT7: `code` and `reason` as written, `when` what it dates, with the place that follows it."""

    code: str
    reason: str
    when: When | None
    zone: str
    appointment: bool
    place: str | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a loop, or the message, names: the first number of each qualifier, and packages."""

    numbers: Mapping[str, str]
    packages: tuple[str, ...]


def observed(told: Transaction, reader: Reader) -> tuple[list[Observation], list[str]]:
    """The observations, and the codes that nobody has mapped. Raises Unreadable without a B10, and for a scan that
    nothing dates."""
    head = next((one for one in told.segments if one.id == "B10"), None)
    if head is None:
        raise Unreadable("the 214 has no B10")
    partners = (*told.partner, head[3])
    slug, name = carrier(head[3])
    made = past(told.made, reader.zone, told.made.day if told.made else None, reader.received_at)
    found: list[Observation] = []
    unmapped: list[str] = []
    head_part, groups = _groups(told.segments)
    common = _known(head_part)
    arrivals: dict[Ref, Arrival] = {}
    for group in groups:
        refs = _refs(head, _known(group), common, reader.orders, slug is not None)
        arrivals |= {ref: arrivals.get(ref, NOBODY_SAYS) for ref in refs}
        for one in _told(group, reader.zone):
            fields = partner_codes.meaning(reader.agreed, partners, one.code, (one.reason,)) or _public(one)
            if fields.get("status") == EXPECTED:
                arrivals |= dict.fromkeys(refs, until(one.when, one.zone))
            elif fields.get("status") != partner_codes.IGNORED:
                found += _scans(one, fields, refs, told.made, reader)
                unmapped += [] if fields else [one.code]
    found += on_the_way(arrivals, made or reader.received_at, slug, name)
    return found, unmapped


def _groups(told: Sequence[Segment]) -> tuple[list[Segment], list[list[Segment]]]:
    """What holds for all, and the loops (LX). A message without any LX is one loop."""
    common: list[Segment] = []
    groups: list[list[Segment]] = []
    for one in told:
        if one.id == "LX":
            groups.append([])
        else:
            (groups[-1] if groups else common).append(one)
    return (common, groups) if groups else ([], [common])


def _refs(head: Segment, group: Known, common: Known, orders: Sequence[str], of_parcels: bool) -> list[Ref]:
    """The parcels of a loop: the packages that it marks, else what its carrier calls it by. The shipper's number is
    that of a shipment, which may have several packages: it names a parcel only for a carrier of whole shipments."""
    named = {**common.numbers, **group.numbers}
    order = next((named[kind] for kind in orders if kind in named), None)
    if marked := group.packages or common.packages:
        return [Ref(order_number=order, tracking_number=number) for number in marked]
    number = next((named[kind] for kind in NUMBERS if kind in named), head[1]) or None
    shipment = None if number and of_parcels else head[2] or None
    ref = Ref(order_number=order, shipment_id=shipment, tracking_number=number)
    return [ref] if ref != Ref() else []


def _known(part: Sequence[Segment]) -> Known:
    """L11 has its value first, REF and N9 their qualifier."""
    numbers: dict[str, str] = {}
    for one in part:
        kind, value = (one[2], one[1]) if one.id == "L11" else (one[1], one[2])
        if one.id in ("L11", "REF", "N9") and value:
            numbers.setdefault(kind.upper(), value)
    marks = list(_marks(part))
    carriers_own = [value for kind, value in marks if kind == "CP"]
    labels = [gs1.sscc(value) or value for kind, value in marks if kind == "GM"]
    return Known(numbers=numbers, packages=tuple(dict.fromkeys(carriers_own or labels)))


def _marks(part: Sequence[Segment]) -> Iterator[tuple[str, str]]:
    return (pair for one in part if one.id == "MAN" for pair in one.pairs(1))


def _told(group: Sequence[Segment], zone: str) -> Iterator[Told]:
    """Every AT7 with the MS1 behind it, whose clock its local time is."""
    for place, one in enumerate(group):
        if one.id != "AT7":
            continue
        near = group[place + 1 : place + 4]
        where = next((next_one for next_one in near if next_one.id in ("MS1", "AT7")), None)
        at = where if where is not None and where.id == "MS1" else Segment("MS1", ())
        local = clock_of(at[2], at[3], zone)
        yield Told(
            code=one[1] or one[3],
            reason=one[2] or one[4],
            when=_when(one, local),
            zone=local,
            appointment=not one[1],
            place=", ".join(filter(None, (at[1], at[2], at[3]))) or None,
        )


def _when(one: Segment, zone: str) -> When | None:
    """Releases before 4010 have the century in an element of its own, behind the day."""
    if len(one[5]) == 6 and len(one[6]) == 2:
        return said(one[6] + one[5], one[7], one[8], zone)
    return said(one[5], one[6], one[7], zone)


def _public(one: Told) -> Mapping[str, str]:
    """What the public code lists say; empty for a code that they do not have."""
    code, reason = raw_status(one.code) or "", raw_status(one.reason) or ""
    fields = MAP["appointments" if one.appointment else "statuses"].get(code, {})
    if fields.get("reason") or fields.get("status") not in ("delivery_failed", "delivery_delayed", "on_hold"):
        return fields
    return {**fields, **MAP["reasons"].get(reason, {})}


def _scans(
    one: Told, fields: Mapping[str, str], refs: Sequence[Ref], made: When | None, reader: Reader
) -> Iterator[ScanSeen]:
    """The scan of every parcel; one without a date happened when the message was made."""
    when = one.when or made
    if when is None:
        raise Unreadable(f"AT7 {raw_status(one.code)}: neither it nor its envelope has a date")
    at = past(when, one.zone, made.day if made else None, reader.received_at)
    for ref in refs:
        yield ScanSeen(
            ref=ref,
            as_of=at or reader.received_at,
            status=cast(Status, fields.get("status", "unknown")),
            reason=fields.get("reason"),
            substatus=fields.get("substatus"),
            place=one.place,
            raw_code=one.code,
        )
