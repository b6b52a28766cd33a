"""A parcel's history as trackers tell it -> scans, oldest first: the way back marked, nothing said twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from connectors.parts.parcels.carrier_words import Meaning, of_carrier
from engine.contracts import Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import RANK, Status

WAY_BACK = frozenset({"return_to_sender", "returned"})
UNKNOWN: Meaning = {"status": "unknown"}
# States that are entered once. Where only the parcel's present state tells one of them, it is told as of the last
# change; of the others that would tell a new attempt with every change.
ONCE = frozenset({"label_created", "picked_up", "in_transit", "delivered", "cancelled", "lost"}) | WAY_BACK
# What a closer word may put in place of the status: only a status that leaves it open what is the matter.
_OPEN = frozenset({"unknown", "in_transit", "delivery_delayed"})
_WORSE = frozenset({"lost", "cancelled"}) | WAY_BACK
LIES: Meaning = {"status": "on_hold"}  # 保管: at a counter, after an attempt, until the day that was asked for
_LIES_WHY = frozenset({"ready_for_pickup", "delivery_failed"})


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the history. `meaning` holds our status, reason and substatus; `raw` is the tracker's own word.
    `carrier` (slug) and `number` are those under which it was recorded, where they differ from the parcel's. A line
    without a time cannot be placed, and is left out."""

    at: datetime | None
    meaning: Meaning
    raw: str | None = None
    text: str | None = None
    place: str | None = None
    carrier: str | None = None
    number: str | None = None


def closer(meaning: Meaning, detail: Meaning | None) -> Meaning:
    """A status with what a second word says of it: the reason always, another status where the first left it open."""
    if not detail:
        return meaning
    status, told = meaning.get("status", "unknown"), detail.get("status")
    better = told and (status in _OPEN or (status == "delivery_failed" and told in _WORSE))
    return {**meaning, **detail, "status": told if better and told else status}


def in_carriers_words(line: Line, carrier: str | None) -> Line:
    """The line as the carrier itself means it, where it is one whose words we know.

    A tracker's word for the way back stands: the carrier's "delivered" is then the sender's. So does what it knows of
    a parcel of which the carrier only says that it lies somewhere.
    """
    own, told = of_carrier(line.text, line.carrier or carrier), line.meaning.get("status")
    if own is None or own["status"] == "unknown" or told in WAY_BACK or (own == LIES and told in _LIES_WHY):
        return line
    return replace(line, meaning={**line.meaning, **own} if own["status"] == told else own)


def scans(
    ref: Ref, lines: Iterable[Line], *, carrier: str | None = None, now: Line | None = None, back: bool = False
) -> tuple[ScanSeen, ...]:
    """The lines as scans. `now` is the parcel's present state: it counts where there are no lines, and where no line
    tells a state that is entered once. `back` says that the parcel travels back from its first scan on; else the
    way back begins with the first line that says so."""
    told = [in_carriers_words(line, carrier) for line in lines if line.at]
    states = {line.meaning.get("status") for line in told}
    if now and now.at and _is_news(now.meaning.get("status"), states):
        told.append(now)
    seen: dict[ScanSeen, None] = {}
    for line in sorted(told, key=_moment):
        back = back or line.meaning.get("status") in WAY_BACK
        if scan := _scan(ref, line, 2 if back else None):
            seen.setdefault(scan)
    return tuple(seen)


def _is_news(status: str | None, states: set[str | None]) -> bool:
    if status in (None, "unknown", "pending") or status in states:
        return False
    if not states:
        return True
    furthest = max(RANK[cast(Status, state)] for state in states if state in RANK)
    if status == "in_transit":  # a tracker's "in transit" begins with what we call picked up
        return furthest < RANK["picked_up"]
    return status in ONCE and RANK[cast(Status, status)] > furthest


def _moment(line: Line) -> tuple[datetime, int]:
    status = line.meaning.get("status", "unknown")
    if line.at is None:
        raise TypeError("a line without a time")
    return line.at, RANK[cast(Status, status)] if status in RANK else -1


def _scan(ref: Ref, line: Line, leg: int | None) -> ScanSeen | None:
    if line.at is None:
        return None
    return ScanSeen(
        ref=ref if line.number is None else Ref(shipment_id=ref.shipment_id, tracking_number=line.number),
        as_of=line.at,
        status=cast(Status, line.meaning.get("status", "unknown")),
        reason=line.meaning.get("reason"),
        substatus=line.meaning.get("substatus"),
        text=line.text,
        place=line.place,
        raw_code=line.raw,
        leg=leg,
    )


def place(*parts: str | None) -> str | None:
    """The parts of a place that are told, with commas."""
    return ", ".join(dict.fromkeys(part for part in parts if part)) or None


def also_called(ref: Ref, numbers: Iterable[str | None], known_at: datetime) -> tuple[ShipmentSeen, ...]:
    """The parcel under the further numbers that carriers have given it. `known_at` must lie before the snapshot that
    names `ref`, whose number stays the one that customers are shown."""
    others = dict.fromkeys(number for number in numbers if number and number != ref.tracking_number)
    if ref.shipment_id is None:
        return ()
    return tuple(
        ShipmentSeen(ref=Ref(shipment_id=ref.shipment_id, tracking_number=number), as_of=known_at) for number in others
    )
