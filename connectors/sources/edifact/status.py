"""IFTSTA, the status report -> scans, and what it says of the parcel on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from msgspec import structs

from connectors.parts.bodies import statusmap
from connectors.parts.parcels import carrier_words, carriers, gs1, partner_codes
from connectors.parts.parcels.edi import Reader, on_the_way
from connectors.parts.parcels.ship_notice import past
from connectors.parts.values.arrivals import NOBODY_SAYS, Arrival
from connectors.parts.values.loose import raw_status
from connectors.parts.values.values import When
from connectors.parts.values.zones import zone_of
from connectors.sources.edifact.clocks import dated, expected
from connectors.sources.edifact.envelope import Message
from connectors.sources.edifact.parties import carrier
from connectors.sources.edifact.segments import Segment
from engine.contracts import Observation, Ref, ScanSeen, Unreadable
from engine.model.shipment import Status

MAP = statusmap.load(Path(__file__).parent)
NUMBERS = ("CW", "2I", "AAS", "CN", "AAM", "SRN")  # RFF: what a carrier tracks by, the best first
SHIPMENTS = ("AAK", "DQ")  # RFF: the despatch advice, the delivery note
LABELS = frozenset({"BJ", "SS", "AW", "BN"})  # GIN: the number on a package
HAPPENED = ("78", "334", "7", "35")  # DTM: of the event, of the status, effective, delivered
_UNLOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")


@dataclass(frozen=True, kw_only=True)
class Group:
    """One STS with what follows it. `numbers` and `place` are those of its consignment (CNI), else of the message."""

    status: Segment
    own: Sequence[Segment]
    numbers: Mapping[str, str]
    place: Segment | None
    consignment: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an STS says, as written. `public` is False where no list is named that its code could be of."""

    code: str
    reasons: tuple[str, ...] = ()
    words: str | None = None
    public: bool = True

    @property
    def raw(self) -> str:
        """The code with its first reason: as a setting for it is called."""
        return "-".join((self.code, *self.reasons[:1]))


def observed(told: Message, reader: Reader) -> tuple[list[Observation], list[str]]:
    """The observations, and the codes that nobody has mapped. Raises Unreadable for a scan that nothing dates."""
    found: list[Observation] = []
    unmapped: list[str] = []
    slug, name = carrier(told.segments)
    slug = slug or next(filter(None, map(carriers.slug, told.partner)), None)
    head = dated(told.segments, ("137",), reader.zone) or told.made
    arrivals: dict[Ref, Arrival] = {}
    for group in _groups(told.segments):
        said = _said(group.status)
        fields = _meaning(said, told, reader)
        if not said.code or fields.get("status") == partner_codes.IGNORED:
            continue
        refs = _refs(group, reader.orders)
        scan = _scan(group, said, fields, head, reader)
        found += (structs.replace(scan, ref=ref) for ref in refs)
        unmapped += [said.raw] if refs and not fields else []
        arrival = expected(group.own, reader.zone)
        arrivals |= {ref: arrival if any(arrival) else arrivals.get(ref, NOBODY_SAYS) for ref in refs}
    made = past(head, reader.zone, head.day if head else None, reader.received_at)
    found += on_the_way(arrivals, made or reader.received_at, slug, name)
    return found, unmapped


def _groups(told: Sequence[Segment]) -> Iterator[Group]:
    head = _until(told, 0, ("CNI", "STS"))
    numbers, place, consignment = _numbers(head), _place(head), ""
    of_message = numbers, place
    for at, one in enumerate(told):
        if one.id == "CNI":
            part = _until(told, at + 1, ("CNI", "STS"))
            numbers, place = {**of_message[0], **_numbers(part)}, _place(part) or of_message[1]
            consignment = one.at(2)
        elif one.id == "STS":
            own = _until(told, at + 1, ("CNI", "STS"))
            yield Group(
                status=one, own=own, numbers={**numbers, **_numbers(own)}, place=_place(own) or place,
                consignment=consignment,
            )  # fmt: skip


def _until(told: Sequence[Segment], start: int, ends: Sequence[str]) -> Sequence[Segment]:
    end = start
    while end < len(told) and told[end].id not in ends:
        end += 1
    return told[start:end]


def _numbers(part: Sequence[Segment]) -> dict[str, str]:
    """The first number of each qualifier."""
    numbers: dict[str, str] = {}
    for one in part:
        if one.id == "RFF" and one.at(1, 1):
            numbers.setdefault(one.at(1), one.at(1, 1))
    return numbers


def _place(part: Sequence[Segment]) -> Segment | None:
    return next((one for one in part if one.id == "LOC"), None)


def _said(status: Segment) -> Said:
    """STS+1+21 (code of the list), STS+1+I::87:DELIVERED (a carrier's own, with its words), STS+1:D2:21 (UPS writes
    code and reason into the category), STS+3 (nothing but a code)."""
    if status.at(2):
        reasons = tuple(filter(None, (status.at(element) for element in range(3, len(status.elements) + 1))))
        words = status.at(2, 3) or next(filter(None, (status.at(element, 3) for element in (3, 4))), None)
        return Said(code=status.at(2), reasons=reasons, words=words or None)
    if status.at(1, 1):
        return Said(code=status.at(1, 1), reasons=tuple(filter(None, (status.at(1, 2),))), public=False)
    return Said(code=status.at(1), public=False)


def _meaning(said: Said, told: Message, reader: Reader) -> Mapping[str, str]:
    """What the partner agreed on, what a carrier's own list says, the public list, the words; empty for none."""
    if found := partner_codes.meaning(reader.agreed, told.partner, said.code, said.reasons):
        return found
    code = raw_status(said.code) or ""
    own = [MAP[name] for partner in told.partner if (name := f"statuses_of_{partner.lower()}") in MAP]
    if found := next((table[code] for table in own if code in table), None):
        return found
    fields = MAP["statuses"].get(code) if said.public else None
    if fields is None:
        return (carrier_words.meaning(said.words, None) if said.words else None) or {}
    if fields.get("reason") or fields.get("status") not in ("delivery_failed", "delivery_delayed", "on_hold"):
        return fields
    known = [MAP["reasons"][one] for one in map(raw_status, said.reasons) if one and one in MAP["reasons"]]
    return {**fields, **known[0]} if known else fields


def _refs(group: Group, orders: Sequence[str]) -> list[Ref]:
    """The packages of the status, else what its carrier calls the consignment by. The despatch advice names a parcel
    only where nothing else does: it may have several."""
    order = next((group.numbers[kind] for kind in orders if kind in group.numbers), None)
    marked = dict.fromkeys(filter(None, map(gs1.sscc, _marks(group.own))))
    if marked:
        return [Ref(order_number=order, tracking_number=number) for number in marked]
    number = next((group.numbers[kind] for kind in NUMBERS if kind in group.numbers), group.consignment) or None
    advice = next((group.numbers[kind] for kind in SHIPMENTS if kind in group.numbers), None)
    shipment = None if number else advice
    ref = Ref(order_number=order, shipment_id=shipment, tracking_number=number)
    return [ref] if ref != Ref() else []


def _marks(own: Sequence[Segment]) -> Iterator[str]:
    for one in own:
        if one.id == "PCI":
            yield from (part for element in one.elements[1:2] for part in element)
        elif one.id == "GIN" and one.at(1) in LABELS:
            yield from (part for element in one.elements[1:] for part in element)


def _scan(group: Group, said: Said, fields: Mapping[str, str], made: When | None, reader: Reader) -> ScanSeen:
    """The scan without its parcel; a local time is that of the country where it happened."""
    place = group.place or Segment("LOC", ())
    located = place.at(2) if _UNLOCODE.fullmatch(place.at(2)) else ""
    country = next((part for part in (place.at(3), place.at(3, 3), place.at(4), located[:2]) if len(part) == 2), "")
    zone = zone_of(country) or reader.zone
    when = dated(group.own, HAPPENED, zone) or dated(group.own, ("137",), zone) or made
    if when is None:
        raise Unreadable(f"STS {raw_status(said.code)}: neither it nor its message has a date")
    at = past(when, zone, made.day if made else None, reader.received_at) or reader.received_at
    words = said.words or next((one.at(4) for one in group.own if one.id == "FTX" and one.at(4)), None)
    return ScanSeen(
        ref=Ref(),
        as_of=at,
        status=cast(Status, fields.get("status", "unknown")),
        reason=fields.get("reason"),
        substatus=fields.get("substatus"),
        text=words,
        place=", ".join(filter(None, (place.at(2, 3) or place.at(2), place.at(3, 3) or place.at(3)))) or None,
        raw_code=said.raw,
    )
