"""Events -> observations of parcels and returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from connectors.parts.bodies import statusmap
from connectors.sources.epcis.events import Event
from engine.contracts import Observation, Ref, ReturnSeen, ScanSeen, ShipmentSeen
from engine.model.shipment import Status

MAP = statusmap.load(Path(__file__).parent)
RIGHT_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Partner:
    """What the connection says of the sender: which documents name the order, which places are its own."""

    orders: tuple[str, ...] = ("po",)
    warehouses: tuple[str, ...] = ()

    def owns(self, places: Sequence[str]) -> bool:
        """Is one of the places the sender's? A setting may be the beginning of its name, or its GLN."""
        return any(own in place for own in self.warehouses for place in places)


def observed(told: Sequence[Event], partner: Partner) -> Iterator[tuple[Event, Observation]]:
    """What every event says. An event declared in error says nothing, and takes back the dispatch that it told; what
    stands for it counts from the declaration on, so that the correction has the last word."""
    turns = _turns(told)
    replaced = {
        name: event.wrong.at + turn
        for event, turn in zip(told, turns, strict=True)
        if event.wrong
        for name in event.wrong.instead
    }
    for event, turn in zip(told, turns, strict=True):
        since = replaced.get(event.id or "")
        if event.wrong is None:
            as_of = event.told_at + turn
            as_of = max(as_of, since + RIGHT_AFTER) if since else as_of
            yield from ((event, one) for one in _one(event, partner, as_of))
        elif meant(event) == "dispatched":
            yield from ((event, one) for one in _reverted(event, partner, event.wrong.at + turn))


def _turns(told: Sequence[Event]) -> list[timedelta]:
    """How much later than its document each event counts: what one document tells at once happened one by one."""
    order = sorted(range(len(told)), key=lambda place: told[place].at)
    ranks = {place: rank for rank, place in enumerate(order)}
    return [RIGHT_AFTER * ranks[place] if one.told_at > one.at else timedelta(0) for place, one in enumerate(told)]


def meant(event: Event) -> str | None:
    """What the step says: packed, dispatched, reverted, received, ignored; None for a scan and for no known step."""
    return MAP["bizsteps"].get(event.step or "", {}).get("status")


def unmapped(told: Iterable[Event]) -> tuple[str, ...]:
    """Steps that nobody has mapped."""
    return tuple(dict.fromkeys(one.step for one in told if one.step and one.step not in MAP["bizsteps"]))


def _one(event: Event, partner: Partner, as_of: datetime) -> Iterator[Observation]:
    taken_apart = event.action == "DELETE" and event.kind != "ObjectEvent"
    if taken_apart and event.step != "void_shipping":
        return
    match meant(event):
        case "packed":
            yield from _parcels(event, partner, as_of, left=None)
        case "dispatched" if event.disposition == "returned":
            yield from (
                ScanSeen(ref=ref, as_of=event.at, status="return_to_sender", leg=2) for ref in _refs(event, partner)
            )
        case "dispatched":
            yield from _parcels(event, partner, as_of, left=event.at)
        case "reverted":
            yield from _reverted(event, partner, as_of)
        case "received":
            yield from _received(event, partner)
        case "ignored":
            return
        case _:
            scan = MAP["bizsteps"].get(event.step or "", {}).get("scan", "unknown")
            for ref in _refs(event, partner) if event.step else ():
                yield ScanSeen(ref=ref, as_of=event.at, status=cast(Status, scan), raw_code=event.step)


def _parcels(event: Event, partner: Partner, as_of: datetime, *, left: datetime | None) -> Iterator[ShipmentSeen]:
    refs = _refs(event, partner)
    contents = event.contents if len(refs) == 1 else ()
    for ref in refs:
        yield ShipmentSeen(ref=ref, as_of=as_of, dispatched_at=left, contents=contents or None)


def _reverted(event: Event, partner: Partner, as_of: datetime) -> Iterator[ShipmentSeen]:
    return (ShipmentSeen(ref=ref, as_of=as_of, reverted=True) for ref in _refs(event, partner))


def _received(event: Event, partner: Partner) -> Iterator[Observation]:
    """At a customer's place, the parcel has arrived; with a return's document or as returned goods, a return has.
    What comes into the sender's own warehouse otherwise is stock."""
    agreed = event.document("rma")
    if agreed or event.disposition == "returned":
        names = _refs(event, partner)
        order = names[0].order_number if names else None
        own = agreed[0] if agreed else next((name for ref in names if (name := ref.shipment_id)), order)
        if own:
            ref = Ref(order_number=order, return_id=own)
            yield ReturnSeen(ref=ref, as_of=event.at, contents=event.contents, received_at=event.at)
    elif not partner.owns(event.places):
        yield from (ScanSeen(ref=ref, as_of=event.at, status="delivered") for ref in _refs(event, partner))


def _refs(event: Event, partner: Partner) -> list[Ref]:
    """The parcels of the event: its SSCC, else its despatch advice, else all that the order has. A parcel of several
    orders is one for each of them, or the orders would be taken for one."""
    orders: tuple[str | None, ...] = event.document(*partner.orders) or (None,)
    shared = len(orders) > 1
    advice = next(iter(event.document("desadv")), None)
    found = []
    for order in orders:
        for parcel in event.parcels or (None,):
            own = parcel or advice
            name = f"{own}/{order}" if own and shared else own
            ref = Ref(order_number=order, shipment_id=name, tracking_number=None if shared else parcel)
            if ref != Ref():
                found.append(ref)
    return found
