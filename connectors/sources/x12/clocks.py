"""Dates, times and time codes of X12 -> days and moments."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from connectors.parts.bodies.tables import load_table
from connectors.parts.values.times import YEARS, zone_named
from connectors.parts.values.values import When
from connectors.parts.values.zones import zone_of

CENTURY = 90  # two digits from here on are of the last century
_TABLES = load_table(Path(__file__).with_name("clocks.yaml"))
_REGIONS: dict[str, str] = _TABLES["codes"]
_STATES: dict[str, str] = {state.upper(): zone for zone, states in _TABLES["states"].items() for state in states}
_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)?\d{0,2}")


def said(day: str, clock: str, code: str, zone: str) -> When | None:
    """What a date (CCYYMMDD or YYMMDD), a time (HHMM and finer) and a time code say, as a day and moment in `zone`,
    which also serves times without a code. Midnight is how many systems write a day without a time."""
    named = _day(day)
    if named is None:
        return None
    told = _CLOCK.fullmatch(clock.zfill(4) if clock else "")
    hour, minute, second = (int(part or 0) for part in told.groups()) if told else (0, 0, 0)
    at = time(hour, minute, second)
    if at == time():
        return When(day=named)
    moment = datetime.combine(named, at, coded(code) or zone_named(zone))
    return When(day=moment.astimezone(zone_named(zone)).date(), at=moment)


def spoken(form: str, value: str, zone: str) -> When | None:
    """A value whose form a qualifier names: D8 (a day), DT (a day and a time), RD8 (a range of days: its last)."""
    if form == "RD8":
        value = value.rpartition("-")[2]
    return said(value[:8], value[8:], "", zone)


def coded(code: str) -> ZoneInfo | timezone | None:
    """The clock of a time code (element 623); None for LT, the local time, and for what is none.

    "ES" and "ED" are taken as Eastern time: many send one of them all year.
    """
    if code in ("GM", "UT"):
        return UTC
    if re.fullmatch(r"0[1-9]|1\d|2[0-4]", code):
        hours = int(code)  # 01 to 12 are ahead of UTC, 13 to 24 behind it: 13 is -12
        return timezone(timedelta(hours=hours if hours <= 12 else hours - 25))
    region = _REGIONS.get(code[:1]) if code[1:] in ("T", "S", "D") else None
    return zone_named(region) if region else None


def clock_of(state: str, country: str, zone: str) -> str:
    """The clock on the wall of a place, where the codes of its state or country tell; `zone` elsewhere."""
    if country.upper() in ("", "US", "USA", "CA", "CAN"):
        return _STATES.get(state.upper(), zone)
    return zone_of(country) or zone


def _day(digits: str) -> date | None:
    if not re.fullmatch(r"\d{6}|\d{8}", digits):
        return None
    if len(digits) == 6:
        digits = ("19" if int(digits[:2]) >= CENTURY else "20") + digits
    try:
        found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return found if found.year in YEARS else None
