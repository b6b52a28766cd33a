"""When a parcel is expected, as trackers write it: a moment, a day, or a range of either."""

from __future__ import annotations

import re
from datetime import datetime, time

from connectors.parts.values.loose import text
from connectors.parts.values.times import moment
from connectors.parts.values.values import day_bounds

Arrival = tuple[datetime | None, datetime | None]  # earliest and latest, aware
NOBODY_SAYS: Arrival = (None, None)

# A day often comes as its first moment, in UTC or at home: midnight to the second is a day without a time.
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")


def arrival(first: object, last: object, zone: str) -> Arrival:
    """Earliest and latest moment. One value alone is a day, of which both ends are given, or the latest moment.

    `zone` is the receiver's: that of days, and of times without an offset.
    """
    begins, ends = _span(first, zone), _span(last, zone)
    if begins is None and ends is None:
        return NOBODY_SAYS
    if ends is None or begins is None:
        return begins or ends or NOBODY_SAYS
    earliest, latest = begins[0] or begins[1], ends[1]
    return (None, latest) if earliest == latest else (earliest, latest)


def _span(value: object, zone: str) -> Arrival | None:
    """Both ends of a day, or no beginning and the moment; None for nothing."""
    written = text(value)
    if written is None:
        return None
    if found := _DAY.fullmatch(written):
        day = moment(found[1], zone)
        return day_bounds(day.date(), zone) if day else None
    at = moment(written, zone)
    return (None, at) if at else None


def by_the_clock(day: object, clock: object, zone: str) -> Arrival:
    """A day and, where it is told, the time of day by which the parcel comes ("2026-11-24", "20:00:00")."""
    date_text, time_text = text(day), text(clock)
    if date_text and time_text:
        try:
            until = time.fromisoformat(time_text)
        except ValueError:
            until = time()
        at = moment(date_text[:10], zone)
        if at and until != time():
            return None, datetime.combine(at.date(), until.replace(tzinfo=None), at.tzinfo)
    return arrival(date_text, None, zone)
