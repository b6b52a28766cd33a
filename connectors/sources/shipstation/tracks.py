"""The tracking events of V2 and ShipEngine, whose body holds everything.

https://docs.shipstation.com/apis/docs/guides/webhooks-schemas (TRACK_EVENT_V2; API_TRACK before)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.bodies.statusmap import meaning
from connectors.parts.parcels.history import Line, place, scans
from connectors.parts.values.arrivals import arrival
from connectors.parts.values.loose import first, link, raw_status, rows, text
from connectors.parts.values.times import moment
from connectors.sources.shipstation.words import MAP, ZONE, carrier
from engine.contracts import Reading, Ref, ShipmentSeen, Unreadable


def tracked(data: Mapping[str, Any], received_at: datetime) -> Reading:
    """A snapshot of the parcel and a scan for every event. Raises Unreadable without tracking number."""
    number = text(data.get("tracking_number"))
    if number is None:
        raise Unreadable("data.tracking_number is missing")
    ref = Ref(tracking_number=number)
    code = first(data.get("carrier_code"), data.get("carrier"))
    told = [(event, _line(event, _occurred(event))) for event in rows(data.get("events"))]
    newest = max((line.at for _, line in told if line.at), default=None)
    now = _line(data, moment(data.get("actual_delivery_date"), "UTC") or newest or received_at)
    eta_from, eta_until = arrival(None, data.get("estimated_delivery_date"), ZONE)
    parcel = ShipmentSeen(
        ref=ref,
        as_of=newest or received_at,
        carrier=carrier(code),
        carrier_name=code,
        url=link(data.get("tracking_url")),
        eta_from=eta_from,
        eta_until=eta_until,
    )
    history = scans(ref, (line for _, line in told), carrier=carrier(code), now=now)
    unmapped = [raw for one in (*(event for event, _ in told), data) for raw in _unmapped(one)]
    return Reading(observations=(parcel, *history), unmapped=tuple(dict.fromkeys(unmapped)))


def _occurred(event: Mapping[str, Any]) -> datetime | None:
    """`occurred_at` is UTC; where only the carrier's own clock is told, without an offset, it is taken for UTC."""
    return moment(event.get("occurred_at"), "UTC") or moment(event.get("carrier_occurred_at"), "UTC")


def _line(event: Mapping[str, Any], at: datetime | None) -> Line:
    """The detail code says more than the code, where it says anything."""
    detail, code = raw_status(event.get("status_detail_code")), raw_status(event.get("status_code"))
    fields = MAP["details"].get(detail or "") or MAP["codes"].get(code or "")
    return Line(
        at=at,
        meaning=fields or {"status": "unknown"},
        raw=detail or code,
        text=first(event.get("description"), event.get("carrier_status_description"), event.get("status_description")),
        place=place(*(text(event.get(key)) for key in ("city_locality", "state_province", "country_code"))),
    )


def _unmapped(event: Mapping[str, Any]) -> tuple[str, ...]:
    fields, _ = meaning(MAP["details"], event.get("status_detail_code"))
    return () if fields else meaning(MAP["codes"], event.get("status_code"))[1]
