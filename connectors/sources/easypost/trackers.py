"""A tracker -> its parcel, and a scan for every line of its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels.carrier_words import Meaning
from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import UNKNOWN, Line, closer, place, scans
from connectors.parts.values.arrivals import Arrival, arrival, by_the_clock
from connectors.parts.values.loose import flag, identity, link, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.parts.values.zones import zone_of
from engine.contracts import Reading, Ref, ShipmentSeen, Unreadable

MAP = statusmap.load(Path(__file__).parent)
CLOCK = "UTC"  # of a time without an offset: "when location information is incomplete, timestamps default to UTC"


def tracker(source: Mapping[str, Any], received_at: datetime, zone: str) -> Reading:
    """One ShipmentSeen and its scans. `is_return` marks a parcel that travels back from the beginning.

    Who signed for it is not taken. Raises Unreadable without id and tracking_code.
    """
    ref = Ref(shipment_id=identity(source.get("id")), tracking_number=text(source.get("tracking_code")))
    if not (ref.shipment_id or ref.tracking_number):
        raise Unreadable("the tracker has neither id nor tracking_code")
    name = text(source.get("carrier"))
    back = flag(source.get("is_return")) is True
    unmapped: list[str] = []
    lines = [_line(row, unmapped) for row in rows(source.get("tracking_details"))]
    changed = moment(source.get("updated_at"), CLOCK) or moment(source.get("created_at"), CLOCK)
    meaning, raw = _meaning(source, unmapped)
    now = Line(at=changed, meaning=meaning, raw=raw)
    told = scans(ref, lines, carrier=slug(name), now=now, back=back)
    eta_from, eta_until = _eta(source, zone)
    parcel = ShipmentSeen(
        ref=ref,
        as_of=changed or max((scan.as_of for scan in told), default=received_at),
        carrier=slug(name),
        carrier_name=name,
        url=link(source.get("public_url")),
        eta_from=eta_from,
        eta_until=eta_until,
        leg=2 if back else None,
    )
    return Reading(observations=(parcel, *told), unmapped=tuple(dict.fromkeys(unmapped)))


def _line(row: Mapping[str, Any], unmapped: list[str]) -> Line:
    meaning, raw = _meaning(row, unmapped)
    where = table(row.get("tracking_location"))
    return Line(
        at=moment(row.get("datetime"), CLOCK),
        meaning=meaning,
        raw=raw,
        text=text(row.get("message")) or text(row.get("description")),
        place=place(*(text(where.get(key)) for key in ("city", "state", "country"))),
    )


def _meaning(source: Mapping[str, Any], unmapped: list[str]) -> tuple[Meaning, str | None]:
    """Status and detail together, and how they stand in the source ("in_transit/held")."""
    status, unknown = statusmap.meaning(MAP["scans"], source.get("status"))
    detail, strange = statusmap.meaning(MAP["details"], source.get("status_detail"))
    unmapped += (*unknown, *strange)
    raw, more = raw_status(source.get("status")), raw_status(source.get("status_detail"))
    if unknown or not more or more in (raw, "unknown"):
        return closer(status or UNKNOWN, detail), raw
    return closer(status or UNKNOWN, detail), f"{raw}/{more}" if raw else more


def _eta(source: Mapping[str, Any], zone: str) -> Arrival:
    """The day at the receiver's, which the carrier names; else the same in UTC."""
    detail = table(source.get("carrier_detail"))
    there = zone_of(table(detail.get("destination_tracking_location")).get("country")) or zone
    day = text(detail.get("est_delivery_date_local"))
    if day:
        return by_the_clock(day, detail.get("est_delivery_time_local"), there)
    return arrival(source.get("est_delivery_date"), None, there)
