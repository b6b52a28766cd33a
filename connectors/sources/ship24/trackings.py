"""A tracking -> its parcel, and a scan for every event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels.carrier_words import Meaning
from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import UNKNOWN, Line, also_called, scans
from connectors.parts.values.arrivals import NOBODY_SAYS, Arrival, arrival
from connectors.parts.values.loose import first, identity, number, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.parts.values.zones import zone_of
from engine.contracts import Reading, Ref, ShipmentSeen, Unreadable

MAP = statusmap.load(Path(__file__).parent)
ZONE = "Asia/Tokyo"
# An event that Ship24 has not recognised repeats the milestone that the parcel has reached. Of these, each repetition
# would look like one more attempt; of the others a repetition says nothing new.
NOT_REPEATED = frozenset({"out_for_delivery", "failed_attempt", "available_for_pickup", "exception"})
_BARE_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def tracking(source: Mapping[str, Any], received_at: datetime, zone: str, order_number: str | None) -> Reading:
    """One ShipmentSeen, one more for each further tracking number, and the scans. `order_number` names the field of
    the tracker that holds the shop's. The receiver is not taken. Raises Unreadable without any name."""
    tracker, shipment = table(source.get("tracker")), table(source.get("shipment"))
    events = rows(source.get("events"))
    numbers = _numbers(tracker, shipment, events)
    ref = Ref(
        order_number=text(tracker.get("orderNumber")) or text(tracker.get(order_number) if order_number else None),
        shipment_id=identity(tracker.get("trackerId")) or identity(shipment.get("shipmentId")),
        tracking_number=numbers[0] if numbers else None,
    )
    if not (ref.shipment_id or ref.tracking_number):
        raise Unreadable("the tracking has neither a tracker nor a tracking number")
    code = _courier(tracker, events)
    unmapped: list[str] = []
    lines = [_line(event, ref, zone, unmapped) for event in events]
    meaning, raw = _meaning(shipment, unmapped, whole=True)
    happened = max((line.at for line in lines if line.at), default=None)
    told_at = moment(table(source.get("metadata")).get("generatedAt"), "UTC")
    now = Line(at=happened or told_at or received_at, meaning=meaning, raw=raw)
    # One event of a webhook is no history: what it leaves out was told by those before it.
    told = scans(ref, lines, carrier=slug(code), now=now if len(lines) != 1 else None)
    eta_from, eta_until = _eta(shipment, zone)
    as_of = told_at or happened or received_at
    parcel = ShipmentSeen(
        ref=ref, as_of=as_of, carrier=slug(code), carrier_name=code, eta_from=eta_from, eta_until=eta_until
    )
    made = moment(tracker.get("createdAt"), "UTC") or as_of
    others = also_called(ref, numbers[1:], min(made, as_of - timedelta(seconds=1)))
    return Reading(observations=(*others, parcel, *told), unmapped=tuple(dict.fromkeys(unmapped)))


def newest(source: Mapping[str, Any], zone: str) -> datetime | None:
    """When the newest event of a tracking happened."""
    times = (_happened(event, zone) for event in rows(source.get("events")))
    return max((at for at in times if at), default=None)


def _numbers(tracker: Mapping[str, Any], shipment: Mapping[str, Any], events: list[Mapping[str, Any]]) -> list[str]:
    """Every tracking number, first the one that the tracker follows."""
    told = [
        text(tracker.get("trackingNumber")),
        *(text(one.get("tn")) for one in rows(shipment.get("trackingNumbers"))),
        text(shipment.get("trackingNumber")),
        *(text(event.get(key)) for event in events for key in ("trackingNumber", "eventTrackingNumber")),
    ]
    return list(dict.fromkeys(one for one in told if one))


def _line(event: Mapping[str, Any], ref: Ref, zone: str, unmapped: list[str]) -> Line:
    meaning, raw = _meaning(event, unmapped)
    own = text(event.get("eventTrackingNumber"))
    return Line(
        at=_happened(event, zone),
        meaning=meaning,
        raw=raw,
        text=text(event.get("status")),
        place=text(event.get("location")),
        carrier=slug(text(event.get("courierCode"))),
        number=own if ref.shipment_id and own != ref.tracking_number else None,
    )


def _happened(event: Mapping[str, Any], zone: str) -> datetime | None:
    """https://docs.ship24.com/data-format: the carrier's local time, unless it brings an offset. Of a day without a
    time, `order` tells what came first; it counts as seconds of that day."""
    written = text(event.get("occurrenceDatetime")) or ""
    offset = text(event.get("utcOffset")) or ""
    at = None
    if re.fullmatch(r"[+-]\d\d:\d\d", offset):
        at = moment(f"{written}{offset}") or moment(f"{written}T00:00:00{offset}")
    at = at or moment(written, zone) or moment(event.get("datetime"), "UTC")
    place = number(event.get("order"))
    if at and place and _BARE_DAY.fullmatch(written) and 0 < place < 3600:
        return at + timedelta(seconds=int(place))
    return at


def _meaning(source: Mapping[str, Any], unmapped: list[str], *, whole: bool = False) -> tuple[Meaning, str | None]:
    """The code says what happened; without one the milestone tells how far the parcel is. `whole` asks for a parcel's
    state rather than for what an event was."""
    code, strange = statusmap.meaning(MAP["codes"], source.get("statusCode"))
    milestone, unknown = statusmap.meaning(MAP["milestones"], source.get("statusMilestone"))
    unmapped += (*strange, *unknown)
    raw_code, raw = raw_status(source.get("statusCode")), raw_status(source.get("statusMilestone"))
    if code.get("status"):
        return code, raw_code
    if raw in NOT_REPEATED and not whole and raw_code is None:
        return UNKNOWN, raw
    return {**(milestone or UNKNOWN), **code}, (raw_code or raw) if not unknown else raw


def _courier(tracker: Mapping[str, Any], events: list[Mapping[str, Any]]) -> str | None:
    """The carrier of the newest event that names one: the last to have had the parcel."""
    named = tracker.get("courierCode")
    return first(*(event.get("courierCode") for event in events), *(named if isinstance(named, list) else [named]))


def _eta(shipment: Mapping[str, Any], zone: str) -> Arrival:
    """The carrier's word in the receiver's time; else Ship24's, which is in UTC."""
    delivery = table(shipment.get("delivery"))
    there = zone_of(shipment.get("destinationCountryCode")) or zone
    courier = table(delivery.get("courierEstimatedDeliveryDate"))
    found = arrival(courier.get("from"), courier.get("to"), there)
    if found != NOBODY_SAYS:
        return found
    told = text(delivery.get("estimatedDeliveryDate"))
    return arrival(told, None, "UTC" if told and "T" in told and "T00:00:00" not in told else there)
