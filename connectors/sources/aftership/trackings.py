"""A tracking -> its parcel, and a scan for every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels.carrier_words import Meaning
from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import UNKNOWN, WAY_BACK, Line, also_called, place, scans
from connectors.parts.values.arrivals import NOBODY_SAYS, Arrival, arrival
from connectors.parts.values.loose import first, flag, identity, link, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.parts.values.zones import zone_of
from engine.contracts import Reading, Ref, ScanSeen, ShipmentSeen

MAP = statusmap.load(Path(__file__).parent)

# Where an expected arrival stands, the most recent word first: the day or moment, and the ends of a range. Versions of
# the API before 2024 had `expected_delivery`.
ARRIVALS = (
    ("latest_estimated_delivery", ("datetime", "datetime_min", "datetime_max")),
    *(
        (name, tuple(f"estimated_delivery_date{end}" for end in ("", "_min", "_max")))
        for name in ("courier_estimated_delivery_date", "aftership_estimated_delivery_date")
    ),
    ("custom_estimated_delivery_date", ("datetime", "datetime_min", "datetime_max")),
)


def tracking(source: Mapping[str, Any], received_at: datetime, zone: str) -> Reading:
    """One ShipmentSeen, one more for each further number (first and last mile), and the scans. The customers that
    AfterShip knows are not taken. The source must have an id or a tracking_number."""
    ref = Ref(
        order_id=identity(source.get("order_id")),
        order_number=text(source.get("order_number")),
        shipment_id=identity(source.get("id")),
        tracking_number=text(source.get("tracking_number")),
    )
    name = text(source.get("slug"))
    unmapped: list[str] = []
    lines = _lines(source, zone, unmapped)
    changed = moment(source.get("updated_at"), "UTC") or moment(source.get("last_updated_at"), "UTC")
    told = scans(ref, lines, carrier=slug(name), now=_now(source, lines, changed or received_at, zone, unmapped))
    as_of = changed or max((scan.as_of for scan in told), default=received_at)
    eta_from, eta_until = _eta(source, zone)
    parcel = ShipmentSeen(
        ref=ref,
        as_of=as_of,
        carrier=slug(name),
        carrier_name=name,
        url=link(source.get("courier_tracking_link")),
        eta_from=eta_from,
        eta_until=eta_until,
    )
    others = also_called(ref, _other_numbers(source), _before(source, told, as_of))
    return Reading(observations=(*others, parcel, *told), unmapped=tuple(dict.fromkeys(unmapped)))


def _lines(source: Mapping[str, Any], zone: str, unmapped: list[str]) -> list[Line]:
    """The checkpoints. In a tracking that is flagged as sent back, with no checkpoint that says so, what was delivered
    was delivered to the sender."""
    lines = [_line(row, zone, unmapped) for row in rows(source.get("checkpoints"))]
    if not flag(source.get("return_to_sender")) or any(line.meaning.get("status") in WAY_BACK for line in lines):
        return lines
    return [
        replace(line, meaning={"status": "returned"}) if line.meaning.get("status") == "delivered" else line
        for line in lines
    ]


def _line(row: Mapping[str, Any], zone: str, unmapped: list[str]) -> Line:
    country = first(row.get("country_region"), row.get("country_iso3"))
    meaning, raw = _meaning(row, unmapped)
    spelled = first(row.get("country_region_name"), row.get("country_name"), country)
    return Line(
        at=moment(row.get("checkpoint_time"), zone_of(country) or zone),
        meaning=meaning,
        raw=raw,
        text=first(row.get("message"), row.get("subtag_message")),
        place=text(row.get("location")) or place(text(row.get("city")), text(row.get("state")), spelled),
        carrier=slug(text(row.get("slug"))),
    )


def _meaning(source: Mapping[str, Any], unmapped: list[str]) -> tuple[Meaning, str | None]:
    """The subtag says more than the tag; one that is not known yet leaves the tag."""
    close, strange = statusmap.meaning(MAP["subtags"], source.get("subtag"))
    wide, unknown = statusmap.meaning(MAP["tags"], source.get("tag"))
    unmapped += (*strange, *unknown)
    raw = raw_status(source.get("tag")) if unknown else raw_status(source.get("subtag") or source.get("tag"))
    return (close or wide or UNKNOWN), raw


def _now(
    source: Mapping[str, Any], lines: list[Line], changed: datetime, zone: str, unmapped: list[str]
) -> Line | None:
    """The tracking's own state, at the moment of it where one is told. `return_to_sender` outweighs the tag."""
    meaning, raw = _meaning(source, unmapped)
    if flag(source.get("return_to_sender")) and meaning.get("status") not in WAY_BACK:
        home = meaning.get("status") == "delivered"
        meaning = {"status": "returned" if home else "return_to_sender"}
    there = zone_of(_country(source)) or zone
    delivered = moment(source.get("shipment_delivery_date"), there) if meaning.get("status") == "delivered" else None
    at = delivered or changed
    return Line(at=max([at, *(line.at for line in lines if line.at)]), meaning=meaning, raw=raw)


def _eta(source: Mapping[str, Any], zone: str) -> Arrival:
    there = zone_of(_country(source)) or zone
    for name, (one, least, most) in ARRIVALS:
        told = table(source.get(name))
        found = arrival(told.get(least) or told.get(one), told.get(most), there)
        if found != NOBODY_SAYS:
            return found
    return arrival(source.get("expected_delivery"), None, there)


def _country(source: Mapping[str, Any]) -> str | None:
    return first(
        source.get("destination_country_region"),
        source.get("destination_country_iso3"),
        source.get("courier_destination_country_region"),
        source.get("courier_destination_country_iso3"),
    )


def _other_numbers(source: Mapping[str, Any]) -> list[str | None]:
    miles = [table(source.get("first_mile")), table(source.get("last_mile")), *rows(source.get("next_couriers"))]
    return [text(one.get("tracking_number")) for one in miles]


def _before(source: Mapping[str, Any], told: tuple[ScanSeen, ...], as_of: datetime) -> datetime:
    """A moment before the snapshot: when the tracking was made."""
    made = moment(source.get("created_at"), "UTC") or min((scan.as_of for scan in told), default=as_of)
    return min(made, as_of - timedelta(seconds=1))
