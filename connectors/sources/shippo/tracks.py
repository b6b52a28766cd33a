"""A track -> its parcel, and a scan for every line of its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels.carrier_words import Meaning
from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import UNKNOWN, Line, closer, place, scans
from connectors.parts.values.arrivals import arrival
from connectors.parts.values.loose import flag, identity, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.parts.values.zones import zone_of
from engine.contracts import Reading, Ref, ShipmentSeen

MAP = statusmap.load(Path(__file__).parent)
CLOCK = "UTC"  # "Date and time when the carrier scanned this tracking event. This is displayed in UTC."


def track(source: Mapping[str, Any], received_at: datetime, zone: str, order_number: str | None) -> Reading:
    """One ShipmentSeen and its scans. `order_number` names the field that holds the shop's. The source must have a
    tracking_number."""
    ref = Ref(
        order_number=text(source.get(order_number)) if order_number else None,
        shipment_id=identity(source.get("transaction")),
        tracking_number=text(source.get("tracking_number")),
    )
    name = text(source.get("carrier"))
    unmapped: list[str] = []
    latest = table(source.get("tracking_status"))
    history = rows(source.get("tracking_history"))
    lines = [_line(row, unmapped) for row in (*history, *([latest] if latest else []))]
    changed = moment(latest.get("object_updated"), CLOCK) or moment(latest.get("status_date"), CLOCK)
    now = _line(latest, unmapped, at=changed or received_at) if latest else None
    told = scans(ref, lines, carrier=slug(name), now=now)
    there = zone_of(table(source.get("address_to")).get("country")) or zone
    eta_from, eta_until = arrival(source.get("eta"), None, there)
    parcel = ShipmentSeen(
        ref=ref,
        as_of=max([scan.as_of for scan in told] + ([changed] if changed else []), default=received_at),
        carrier=slug(name),
        carrier_name=name,
        eta_from=eta_from,
        eta_until=eta_until,
    )
    return Reading(observations=(parcel, *told), unmapped=tuple(dict.fromkeys(unmapped)))


def _line(row: Mapping[str, Any], unmapped: list[str], at: datetime | None = None) -> Line:
    meaning, raw = _meaning(row, unmapped)
    where = table(row.get("location"))
    return Line(
        at=at or moment(row.get("status_date"), CLOCK),
        meaning=meaning,
        raw=raw,
        text=text(row.get("status_details")),
        place=place(*(text(where.get(key)) for key in ("city", "state", "country"))),
    )


def _meaning(row: Mapping[str, Any], unmapped: list[str]) -> tuple[Meaning, str | None]:
    """Status and substatus together. A parcel on its way for which somebody has to do something is held up."""
    told = row.get("substatus")
    code = table(told).get("code") if isinstance(told, dict) else told  # some carriers' are the bare code
    status, unknown = statusmap.meaning(MAP["scans"], row.get("status"))
    detail, strange = statusmap.meaning(MAP["substatuses"], code)
    unmapped += (*unknown, *strange)
    meaning = closer(status or UNKNOWN, detail)
    if meaning.get("status") == "in_transit" and flag(table(told).get("action_required")):
        meaning = {**meaning, "status": "on_hold"}
    raw, more = raw_status(row.get("status")), raw_status(code)
    return meaning, f"{raw}/{more}" if raw and more and not unknown else raw
