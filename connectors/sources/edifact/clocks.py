"""Dates of EDIFACT (DTM: a value and the code of its form, element 2379) -> days and moments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta, timezone

from connectors.parts.parcels.ship_notice import until
from connectors.parts.values.arrivals import NOBODY_SAYS, Arrival
from connectors.parts.values.times import YEARS, zone_named
from connectors.parts.values.values import When
from connectors.sources.edifact.segments import Segment

FORMS = {
    "2": "%d%m%y", "3": "%m%d%y", "4": "%d%m%Y", "101": "%y%m%d", "102": "%Y%m%d", "201": "%y%m%d%H%M",
    "202": "%y%m%d%H%M%S", "203": "%Y%m%d%H%M", "204": "%Y%m%d%H%M%S", "205": "%Y%m%d%H%M", "301": "%y%m%d%H%M",
    "303": "%Y%m%d%H%M", "304": "%Y%m%d%H%M%S",
}  # fmt: skip
PERIODS = {"713": "201", "715": "101", "717": "101", "718": "102", "719": "203"}  # two of a form in one value
# Without a form, and where it does not fit, a value shows its own by its length.
LENGTHS = {6: "101", 8: "102", 10: "201", 12: "203", 14: "204"}
_OFFSET = re.compile(r"(\d{6,14})(?:([+-])(\d\d):?(\d\d)?|([PM])(\d\d)|([A-Z]{1,4}))?")


def said(value: str, form: str, zone: str) -> When | None:
    """A day, and the moment in it where the value tells one. `zone` serves times without an offset; midnight is how
    many systems write a day without a time."""
    told = _OFFSET.fullmatch(_spans(value, form)[0].replace(" ", ""))
    if told is None:
        return None
    digits = told[1]
    pattern = FORMS.get(form) or FORMS.get(PERIODS.get(form, ""), "")
    at = _parsed(digits, pattern) or _parsed(digits, FORMS.get(LENGTHS.get(len(digits), ""), ""))
    if at is None or at.year not in YEARS:
        return None
    if at.time() == time():
        return When(day=at.date())
    moment = at.replace(tzinfo=_offset(told) or zone_named(zone))
    return When(day=moment.astimezone(zone_named(zone)).date(), at=moment)


def dated(told: Iterable[Segment], qualifiers: Sequence[str], zone: str) -> When | None:
    """The first date of the best qualifier."""
    every = [one for one in told if one.id == "DTM"]
    for qualifier in qualifiers:
        for one in every:
            if one.at(1) == qualifier and (found := said(one.at(1, 1), one.at(1, 2), zone)):
                return found
    return None


def expected(told: Sequence[Segment], zone: str) -> Arrival:
    """When it arrives: as estimated or promised, else between an earliest and a latest date."""
    for one in told:
        if one.id == "DTM" and one.at(1) in ("132", "17", "67", "69", "191", "358"):
            spans = _spans(one.at(1, 1), one.at(1, 2))
            ends = [until(said(span, PERIODS.get(one.at(1, 2), one.at(1, 2)), zone), zone) for span in spans]
            if ends[-1][1]:
                return (ends[0][0] or ends[0][1], ends[-1][1]) if len(ends) > 1 else ends[0]
    earliest, latest = (until(dated(told, (one,), zone), zone) for one in ("64", "63"))
    return (earliest[0] or earliest[1], latest[1]) if latest[1] else NOBODY_SAYS


def _spans(value: str, form: str) -> list[str]:
    """Both ends of a period, else the value alone."""
    if form not in PERIODS:
        return [value]
    if "-" in value:
        return value.split("-")[:2]
    half = len(value) // 2
    return [value[:half], value[half:]]


def _parsed(digits: str, pattern: str) -> datetime | None:
    """The moment, without an offset; strptime alone would read too few digits as shorter months and hours."""
    if not pattern or len(digits) != pattern.count("%") * 2 + pattern.count("%Y") * 2:
        return None
    try:
        return datetime.strptime(digits, pattern)  # noqa: DTZ007 the offset follows
    except ValueError:
        return None


def _offset(told: re.Match[str]) -> timezone | None:
    """ "+0100", "+01", "P01" and "M05" (plus and minus spelt out) and "UTC"; None for another name of a zone."""
    if told[3]:
        minutes = int(told[3]) * 60 + int(told[4] or 0)
        return _shift(-minutes if told[2] == "-" else minutes)
    if told[5]:
        hours = int(told[6])
        return _shift(-hours * 60 if told[5] == "M" else hours * 60)
    return UTC if told[7] in ("Z", "UTC", "GMT", "UT") else None


def _shift(minutes: int) -> timezone | None:
    return timezone(timedelta(minutes=minutes)) if abs(minutes) < 24 * 60 else None
