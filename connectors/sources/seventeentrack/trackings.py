"""A tracked number -> its parcel, and a scan for every event of every carrier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels.carrier_words import Meaning
from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import UNKNOWN, Line, also_called, place, scans
from connectors.parts.values.arrivals import Arrival, arrival
from connectors.parts.values.loose import first, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.parts.values.zones import zone_of
from engine.contracts import Reading, Ref, ShipmentSeen

MAP = statusmap.load(Path(__file__).parent)
ZONE = "Asia/Tokyo"
NOT_YET_MOVING = frozenset({"notfound", "inforeceived"})


def tracking(source: Mapping[str, Any], received_at: datetime, zone: str, order_number: str | None) -> Reading:
    """One ShipmentSeen, one more for the last carrier's own number, and the scans. `order_number` names the field that
    holds the shop's. The source must have a number."""
    info = table(source.get("track_info"))
    number = text(source.get("number"))
    ref = Ref(
        order_number=text(source.get("order_no")) or text(source.get(order_number) if order_number else None),
        shipment_id=number,
        tracking_number=number,
    )
    providers = rows(table(info.get("tracking")).get("providers"))
    name = _carrier(source, providers)
    unmapped: list[str] = []
    standing, raw = _standing(info, unmapped)
    lines = _completed(_lines(info, providers, zone, unmapped), info, standing, raw)
    happened = max((line.at for line in lines if line.at), default=None)
    synced = [at for one in providers if (at := moment(one.get("latest_sync_time"), "UTC"))]
    as_of = max([at for at in (*synced, happened) if at], default=received_at)
    told = scans(ref, lines, carrier=slug(name), now=Line(at=happened or as_of, meaning=standing, raw=raw))
    eta_from, eta_until = _eta(info, zone)
    parcel = ShipmentSeen(
        ref=ref, as_of=as_of, carrier=slug(name), carrier_name=name, eta_from=eta_from, eta_until=eta_until
    )
    others = (text(table(info.get("misc_info")).get("local_number")),)
    before = min((scan.as_of for scan in told), default=as_of) - timedelta(seconds=1)
    return Reading(
        observations=(*also_called(ref, others, before), parcel, *told), unmapped=tuple(dict.fromkeys(unmapped))
    )


def newest(source: Mapping[str, Any], zone: str) -> datetime | None:
    """When the newest event of a tracked number happened."""
    return _at(table(table(source.get("track_info")).get("latest_event")), zone)


def _carrier(source: Mapping[str, Any], providers: list[Mapping[str, Any]]) -> str | None:
    """The carrier that the number was registered with, else the first that knows it."""
    known = [table(one.get("provider")) for one in providers]
    code = text(source.get("carrier"))
    chosen = [one for one in known if code and text(one.get("key")) == code] or known
    return next((name for one in chosen if (name := _name(one))), None)


def _standing(info: Mapping[str, Any], unmapped: list[str]) -> tuple[Meaning, str | None]:
    """Where the parcel stands; the closer word first."""
    latest = table(info.get("latest_status"))
    close, strange = statusmap.meaning(MAP["sub_statuses"], latest.get("sub_status"))
    wide, unknown = statusmap.meaning(MAP["statuses"], latest.get("status"))
    unmapped += (*strange, *unknown)
    raw = raw_status(latest.get("status")) if unknown else raw_status(latest.get("sub_status") or latest.get("status"))
    return close or wide or UNKNOWN, raw


def _lines(info: Mapping[str, Any], providers: list[Mapping[str, Any]], zone: str, unmapped: list[str]) -> list[Line]:
    """The events of all carriers; the newest one where the histories are left out."""
    found = [
        _line(event, slug(_name(table(one.get("provider")))), zone, unmapped)
        for one in providers
        for event in rows(one.get("events"))
    ]
    latest = table(info.get("latest_event"))
    return found or ([_line(latest, None, zone, unmapped)] if latest else [])


def _name(provider: Mapping[str, Any]) -> str | None:
    return first(provider.get("name"), provider.get("alias"))


def _line(event: Mapping[str, Any], carrier: str | None, zone: str, unmapped: list[str]) -> Line:
    """One event. Its meaning is empty where 17TRACK gives it neither a sub status nor a stage: it marks the first event
    of each stage only."""
    close, strange = statusmap.meaning(MAP["sub_statuses"], event.get("sub_status"))
    stage, unknown = statusmap.meaning(MAP["stages"], event.get("stage"))
    unmapped += (*strange, *unknown)
    where = table(event.get("address"))
    spelled = place(*(text(where.get(key)) for key in ("city", "state", "country")))
    raw = raw_status(event.get("sub_status") or event.get("stage"))
    return Line(
        at=_at(event, zone),
        meaning=close or stage or (UNKNOWN if raw else {}),
        raw=raw,
        text=text(event.get("description")),
        place=text(event.get("location")) or spelled,
        carrier=carrier,
    )


def _completed(lines: list[Line], info: Mapping[str, Any], standing: Meaning, raw: str | None) -> list[Line]:
    """Meanings for the events that have none: the newest one means where the parcel stands; those up to the last
    announcement belong to it; the others lie on the way."""
    timed = [line for line in lines if line.at]
    announced = max(
        (line.at for line in timed if line.at and line.meaning.get("status") == "label_created"), default=None
    )
    last = max((line.at for line in timed if line.at), default=None)
    moving = raw_status(table(info.get("latest_status")).get("status")) not in NOT_YET_MOVING
    done = []
    for line in timed:
        if line.meaning:
            done.append(line)
        elif line.at == last and standing.get("status") not in (None, "unknown"):
            done.append(replace(line, meaning=standing, raw=raw))
            last = None
        elif announced and line.at and line.at <= announced:
            done.append(replace(line, meaning={"status": "label_created"}))
        else:
            done.append(replace(line, meaning={"status": "in_transit"} if moving else standing))
    return done


def _at(event: Mapping[str, Any], zone: str) -> datetime | None:
    """`time_iso` has the offset of the place; where nobody knows it, `time_raw` has the clock's words."""
    there = zone_of(table(event.get("address")).get("country")) or zone
    raw = table(event.get("time_raw"))
    spelled = " ".join(part for part in (text(raw.get("date")), text(raw.get("time"))) if part)
    return (
        moment(event.get("time_iso"), there)
        or moment(event.get("time_utc"), "UTC")
        or moment(spelled + (text(raw.get("timezone")) or ""), there)
        or moment(spelled, there)
    )


def _eta(info: Mapping[str, Any], zone: str) -> Arrival:
    there = zone_of(table(table(info.get("shipping_info")).get("recipient_address")).get("country")) or zone
    told = table(table(info.get("time_metrics")).get("estimated_delivery_date"))
    return arrival(told.get("from"), told.get("to"), there)
