"""When a delivery is to arrive or to leave: days that people have written, or that the buyer has chosen."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from connectors.parts.values.days import day
from connectors.parts.values.loose import raw_status, table, text
from connectors.parts.values.slots import NONE, Slot, arrival
from connectors.parts.values.times import YEARS, zone_named
from connectors.sources.stores.words import MAP, ZONE, when

_WRITTEN = re.compile(r"(?:(\d{4})\s*[-/.年]\s*)?(\d{1,2})\s*[-/月]\s*(\d{1,2})\s*日?")
BACK = timedelta(days=60)  # "1月5日" written in December is in the year to come


def estimated(delivery: Mapping[str, Any], ordered_at: datetime | None) -> Slot:
    """When the delivery is expected: `estimated_arrival_date` as the shop has written it ("11月26日 午前中",
    "2026/11/26 14:00"; its form is not fixed), else the day and time that the buyer has chosen."""
    written = unicodedata.normalize("NFKC", text(delivery.get("estimated_arrival_date")) or "")
    since = when(delivery, "shipped_at") or ordered_at
    if (found := _WRITTEN.search(written)) and (named := _day(found, since)):
        return arrival(named, written[found.end() :], ZONE)
    chosen = table(delivery.get("delivery_date"))
    requested = day(chosen.get("requested_date"), ZONE)
    start, end = text(chosen.get("start_time")), text(chosen.get("end_time"))
    return arrival(requested, f"{start}-{end}" if start and end else None, ZONE) if requested else NONE


def leaves_by(delivery: Mapping[str, Any]) -> date | None:
    """The last day on which an article sold ahead (予約販売) is to leave."""
    plan = table(delivery.get("delivery_date"))
    month, period = text(plan.get("end_month")), raw_status(plan.get("end_period"))
    if raw_status(plan.get("type")) != "preorder" or not re.fullmatch(r"\d{6}", month or ""):
        return None
    year, number = divmod(int(month or ""), 100)
    if year not in YEARS or not 1 <= number <= 12:
        return None
    last = MAP["periods"].get(period or "", {}).get("status", "31")
    return date(year, number, min(int(last), monthrange(year, number)[1]))


def _day(found: re.Match[str], since: datetime | None) -> date | None:
    """The day; without a year the first such day that is not long past when the parcel left."""
    start = since.astimezone(zone_named(ZONE)).date() if since else None
    year = int(found[1]) if found[1] else start.year if start else None
    try:
        named = date(year, int(found[2]), int(found[3])) if year else None
    except ValueError:
        return None
    if named and start and not found[1] and named < start - BACK:
        named = named.replace(year=named.year + 1) if (named.month, named.day) != (2, 29) else None
    return named if named and named.year in YEARS else None
