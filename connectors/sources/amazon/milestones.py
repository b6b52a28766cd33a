"""SHIPMENT_TRACKING_MILESTONE_CHANGED: where a parcel is that Amazon sends."""

from __future__ import annotations

from datetime import datetime

from connectors.parts.parcels.history import Line, place, scans
from connectors.parts.values.loose import first, link, raw_status, rows, table, text
from connectors.sources.amazon.words import Record, meaning, order_id, when
from engine.contracts import Delivery, Reading, Ref, ShipmentSeen, Unreadable


def milestones(payload: Record, at: datetime, delivery: Delivery) -> Reading:
    """The history of a parcel, under the number by which Amazon tracks it. Raises Unreadable when none is named."""
    told = table(payload.get("trackingdetail"))
    names = table(told.get("identifier"))
    number = first(*(names.get(key) for key in ("trackingnumber", "trackingid", "aftn")), *names.values())
    if number is None:
        raise Unreadable("the milestone names no parcel")
    ref = Ref(
        order_id=order_id(names), order_number=first(names.get("sellerfulfillmentorderid")), tracking_number=number
    )
    history = rows(told.get("milestonehistory")) or rows([told.get("latestmilestone")])
    lines: list[Line] = []
    unmapped: list[str] = []
    for one in history:
        line, unknown = _line(one)
        lines.append(line)
        unmapped += unknown
    begins, ends = _expected(told)
    left = [line.at for line in lines if line.raw in ("shipped", "in_transit") and line.at]
    seen = ShipmentSeen(
        ref=ref,
        as_of=at,
        dispatched_at=min(left, default=None),
        url=link(told.get("trackingurl")),
        eta_from=begins,
        eta_until=ends,
    )
    return Reading(observations=(seen, *scans(ref, lines)), unmapped=tuple(dict.fromkeys(unmapped)))


def _line(source: Record) -> tuple[Line, tuple[str, ...]]:
    status, where = table(source.get("status")), table(table(source.get("location")).get("address"))
    fields, unmapped = meaning("scans", status.get("code"))
    closer = raw_status(status.get("subcode"))
    line = Line(
        at=when(source, "occurredat"),
        meaning={"status": "unknown", **fields, **({"substatus": closer} if closer else {})},
        raw=raw_status(status.get("code")),
        text=text(status.get("description")),
        place=place(*(text(where.get(key)) for key in ("city", "region", "countrycode"))),
    )
    return line, unmapped


def _expected(told: Record) -> tuple[datetime | None, datetime | None]:
    """The newest estimate of the arrival."""
    estimates = [
        one for one in rows(told.get("trackingestimates")) if "delivery" in (raw_status(one.get("type")) or "")
    ]
    estimates.sort(key=lambda one: first(one.get("lastupdatedtime")) or "")
    span = table(estimates[-1].get("estimatedinterval")) if estimates else {}
    begins, ends = when(span, "starttime"), when(span, "endtime")
    return (None if begins == ends else begins), ends
