"""When something is due, in the zone where the customer lives; clock changes included.

A clock time that a change skips means the first moment after the gap; one that comes twice means its
first coming. All moments are aware; those returned are in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.rules.calendar import JAPAN, Calendar, business_days_after

QUIET_FROM = time(21)  # channels.md: no offer before 8 or after 21 where the recipient lives
QUIET_UNTIL = time(8)
SECOND = timedelta(seconds=1)


def due(
    anchor: datetime,
    *,
    wait: timedelta | None = None,
    business_days: int | None = None,
    until: time | None = None,
    zone: ZoneInfo,
    calendar: Calendar = JAPAN,
) -> datetime:
    """Return the end of a wait that began at `anchor`: `wait` later, or at the same local time so many
    business days later, and then the next local `until` at or after that moment."""
    moment = anchor.astimezone(UTC) + (wait or timedelta())
    if business_days:
        local = moment.astimezone(zone)
        moment = at_local(business_days_after(local.date(), business_days, calendar), local.time(), zone)
    return moment if until is None else next_local(moment, until, zone)


def next_local(moment: datetime, clock: time, zone: ZoneInfo) -> datetime:
    """Return the first moment at or after `moment` when clocks in `zone` show `clock`."""
    day = moment.astimezone(zone).date()
    candidate = at_local(day, clock, zone)
    while candidate < moment:
        day += timedelta(days=1)
        candidate = at_local(day, clock, zone)
    return candidate


def at_local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return the moment of a local time. Skipped: the first moment after the gap. Twice: the first."""
    wall = datetime.combine(day, clock.replace(fold=0, tzinfo=None))
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    return _end_of_gap(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between the two at which the zone's offset changes, to the second."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + timedelta(seconds=(after - before) // SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def quiet_for_all(
    now: datetime, zones: Sequence[ZoneInfo], hours: Sequence[tuple[time, time]], rounds: int = 200
) -> datetime | None:
    """Return when it is quiet in none of the zones any more, by none of the pairs (start, end) of local times; None
    when that is now. Where that is never so, a moment far away: whoever waits for it asks again, or gives up."""
    moment = now
    for _ in range(rounds):
        ends = [end for zone in zones for start, until in hours if (end := quiet_until(moment, zone, start, until))]
        if not ends:
            break
        moment = max(ends)
    return moment if moment > now else None


def quiet_until(now: datetime, zone: ZoneInfo, start: time = QUIET_FROM, end: time = QUIET_UNTIL) -> datetime | None:
    """Return when the quiet hours around `now` end, None outside of them. Equal times: no quiet hours."""
    clock = now.astimezone(zone).time()
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    return next_local(now, end, zone) if quiet else None
