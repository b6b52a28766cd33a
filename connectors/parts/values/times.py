"""Moments as sources write them, made aware. A time without a zone needs one from the connection."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.contracts import Unreadable

YEARS = range(1990, 2101)  # year 0 and 9999 are fillers, and sums near the ends of the calendar overflow


def moment(text: object, zone: str | None = None) -> datetime | None:
    """The aware moment that an ISO 8601 text names ("T" or a space between date and time, any fraction).

    `zone` (IANA name) is assumed when the text carries no offset; a bare date is the first moment of that
    day there. None for an empty or unintelligible value, for a year outside 1990-2100, and for a text
    without offset when no zone is given. Raises Unreadable when `zone` is not a known name.
    """
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if at.year not in YEARS:
        return None
    if at.tzinfo is None:
        return at.replace(tzinfo=zone_named(zone)) if zone else None
    return at


def from_unix(seconds: object) -> datetime | None:
    """The moment in UTC of whole unix seconds given as a number or as digits; None for anything else."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) <= 12:
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.year in YEARS else None


def iso(at: datetime) -> str:
    """The moment in UTC, to the second: "2026-11-24T12:00:00Z"."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=64)
def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises Unreadable with a hint for a name that does not exist."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Unreadable(
            "the connection's time zone is not known; use a name such as Asia/Tokyo and replay the delivery"
        ) from None
