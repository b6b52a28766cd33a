"""When a parcel is to arrive: a day, and a time of day in the words of a shop ("0812", "午前中", "14時～16時")."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from connectors.parts.values.loose import text
from connectors.parts.values.times import zone_named
from connectors.parts.values.values import day_bounds

Slot = tuple[datetime | None, datetime | None]
NONE: Slot = (None, None)

# What the large carriers of Japan mean by it; their counters give the morning from 8 o'clock.
WORDS: Mapping[str, tuple[int, int]] = {
    "午前": (8, 12),
    "am": (8, 12),
    "午後": (12, 18),
    "pm": (12, 18),
    "夜間": (18, 21),
}
_HOURS = re.compile(
    r"(\d{1,2})(?::(\d\d)|時(?:(\d\d)分)?)?(?::\d\d)?\s*[-~〜～−–—ー]\s*(\d{1,2})(?::(\d\d)|時(?:(\d\d)分)?)?"
)
_FOUR_DIGITS = re.compile(r"(\d\d)(\d\d)")


def arrival(day: date | None, slot: object, zone: str) -> Slot:
    """The first and the last moment of the time of day `slot` on the day, in the zone. The whole day where the slot
    is not understood, nothing without a day."""
    if day is None:
        return NONE
    hours = _hours(slot)
    if hours is None:
        return day_bounds(day, zone)
    start, end = (datetime.combine(day, time(), zone_named(zone)) + timedelta(minutes=minutes) for minutes in hours)
    return start, end


def _hours(slot: object) -> tuple[int, int] | None:
    """Minutes after midnight from and until."""
    written = unicodedata.normalize("NFKC", text(slot) or "").lower()
    for word, (start, end) in WORDS.items():
        if word in written:
            return start * 60, end * 60
    if found := _FOUR_DIGITS.fullmatch(written):
        return _in_order(int(found[1]) * 60, int(found[2]) * 60)
    if found := _HOURS.search(written):
        start = int(found[1]) * 60 + int(found[2] or found[3] or 0)
        end = int(found[4]) * 60 + int(found[5] or found[6] or 0)
        return _in_order(start, end)
    return None


def _in_order(start: int, end: int) -> tuple[int, int] | None:
    return (start, end) if 0 <= start < end <= 24 * 60 else None
