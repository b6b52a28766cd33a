"""Days in systems that keep "2026-11-21 00:00:00" for a day without a time, and "0000-00-00" for none."""

from __future__ import annotations

from datetime import date, datetime

from connectors.parts.values.loose import text
from connectors.parts.values.values import When, day_bounds, when


def day(value: object, zone: str) -> date | None:
    """The day that a date or a moment names, in the zone; None for a filler and for what is neither."""
    said = _when(value, zone)
    return said.day if said else None


def at(value: object, zone: str) -> datetime | None:
    """The moment, aware; a day without a time is its first moment."""
    said = _when(value, zone)
    return (said.at or day_bounds(said.day, zone)[0]) if said else None


def happened(value: object, zone: str, seen_at: datetime) -> datetime | None:
    """When something happened that was known at `seen_at`; None when nothing is said.

    A day without a time means "some time that day": its end is taken, or `seen_at` when that is earlier. Taken as
    midnight, a parcel sent at 17:00 would look 17 hours old, and its notice could be dropped as stale.
    """
    said = _when(value, zone)
    return min(said.at or day_bounds(said.day, zone)[1], seen_at) if said else None


def _when(value: object, zone: str) -> When | None:
    written = text(value)
    if written is None:
        return None
    try:
        return when(written, zone)
    except ValueError:
        return None
