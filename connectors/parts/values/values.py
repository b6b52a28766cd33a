"""Cells -> values. Numbers and dates are read whatever their width; what people wrote stays as it is.

Each reader raises ValueError for a cell it cannot read; `EXPECTED` says in words what it wanted.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from connectors.parts.values.times import YEARS, moment, zone_named
from engine.model.order import Quantity

# A katakana long vowel between digits is a dash typed with the wrong key; in a word it stays.
DASH = re.compile(r"(?<=[0-9A-Za-z])[‐‑‒–—―−ー](?=[0-9A-Za-z])")
DATE = re.compile(
    r"(?P<y>\d{4})(?:[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?|(?P<mm>\d\d)(?P<dd>\d\d))"
    r"(?:[T ]*(?P<H>\d{1,2})[:時](?P<M>\d\d)(?:[:分](?P<S>\d\d)秒?|分)?"
    r"|[T ]?(?P<HH>\d\d)(?P<MM>\d\d)(?P<SS>\d\d)?)?"
)
CLOCK = re.compile(r"(\d{1,2})[:時](\d\d)(?:[:分](\d\d)秒?|分)?|(\d\d)(\d\d)(\d\d)?")
SPREADSHEET = re.compile(r'="(.*)"|\'(.*)', re.DOTALL)  # ways of keeping leading zeros in a spreadsheet
MAX_NUMBER = Decimal(10) ** 12

EXPECTED = {
    "when": "a date with the year first, as 2026/11/24, 20261124 or 2026-11-24 9:05 "
    "(other orders need the setting date_format)",
    "clock": "a time of day, as 9:05",
    "quantity": "a number that is not negative",
    "count": "a whole number from 1",
    "amount": "an amount, as 8800 or 8,800",
    "tracking": "a whole number; a spreadsheet has rounded it: format the column as text, export again",
}


@dataclass(frozen=True, kw_only=True)
class When:
    """A day, and the moment in it when the file tells one."""

    day: date
    at: datetime | None = None


def text(cell: str) -> str:
    """What a person wrote: only the spaces around it go (full-width ones too); 髙 stays 髙."""
    return cell.strip()


def narrow(cell: str) -> str:
    """A number, date or code: full width becomes half width, a dash between digits becomes "-"."""
    plain = cell.strip()
    if wrapped := SPREADSHEET.fullmatch(plain):
        plain = wrapped[1] or wrapped[2] or ""
    return DASH.sub("-", unicodedata.normalize("NFKC", plain).strip())


def compared(word: str) -> str:
    """A word as it is compared: case, width and spaces do not count."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())


def tracking(cell: str) -> tuple[str, ...]:
    """The tracking numbers in a cell (some warehouses join several by commas, slashes or line breaks).

    Words without a digit ("なし", "店頭渡し") are none.
    """
    numbers = [re.sub(r"[\s-]", "", one).upper() for one in re.split(r"[,、;/|・\n]+", narrow(cell))]
    if any(re.fullmatch(r"\d\.?\d*E\+?\d+", number) for number in numbers):
        raise ValueError(EXPECTED["tracking"])
    return tuple(dict.fromkeys(number for number in numbers if re.search(r"\d", number)))


def quantity(cell: str) -> Quantity:
    """Units, whole where they are whole."""
    found = _number(narrow(cell), "quantity")
    return int(found) if found == found.to_integral_value() else float(found)


def count(cell: str) -> int:
    """How many parcels."""
    found = _number(narrow(cell), "count")
    if found < 1 or found != found.to_integral_value():
        raise ValueError(EXPECTED["count"])
    return int(found)


def amount(cell: str) -> str:
    """Money as a decimal string; the currency sign goes."""
    return format(_number(narrow(cell).lstrip("¥\\$").removesuffix("円"), "amount"), "f")


def _number(digits: str, kind: str) -> Decimal:
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits):
        digits = digits.replace(",", "")
    try:
        found = Decimal(digits)
    except InvalidOperation:
        raise ValueError(EXPECTED[kind]) from None
    if not found.is_finite() or not 0 <= found < MAX_NUMBER:
        raise ValueError(EXPECTED[kind])
    return found


@lru_cache(maxsize=1024)  # a file has few days and many rows
def when(cell: str, zone: str, date_format: str | None = None) -> When | None:
    """The day or moment in the shop's time zone; None for a filler such as 0000/00/00.

    A date whose order is not plain (11/24/2026, 26/11/24) is refused unless `date_format` (strptime) is set.
    """
    plain = narrow(cell)
    if not plain.strip("0-/: "):
        return None
    if date_format:
        return _moment(datetime.strptime(plain, date_format), zone)  # noqa: DTZ007 the zone follows
    found = DATE.fullmatch(plain)
    if found is None:
        at = moment(plain, zone) if re.match(r"\d{4}-\d\d-\d\d[T ]", plain) else None
        if at is None:
            raise ValueError(EXPECTED["when"])
        return When(day=at.astimezone(zone_named(zone)).date(), at=at)
    part = {name: int(digits) for name, digits in found.groupdict().items() if digits}
    day = date(part["y"], part.get("m", part.get("mm", 0)), part.get("d", part.get("dd", 0)))
    hour, minute, second = (part.get(name, part.get(name * 2, 0)) for name in "HMS")
    return _moment(datetime.combine(day, time(hour, minute, second)), zone)


def _moment(at: datetime, zone: str) -> When:
    if at.year not in YEARS:
        raise ValueError(EXPECTED["when"])
    # Databases export a day as "2026-11-24 00:00:00"; midnight to the second is a day without a time.
    timed = at.time() != time()
    return When(day=at.date(), at=at.replace(tzinfo=zone_named(zone)) if timed else None)


def clock(cell: str) -> time:
    """A time of day in a column of its own."""
    found = CLOCK.fullmatch(narrow(cell))
    if found is None:
        raise ValueError(EXPECTED["clock"])
    hour, minute, second = [int(part) for part in (*(part for part in found.groups() if part), 0)][:3]
    return time(hour, minute, second)


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """The first moment and the last second of a day in the zone."""
    first = datetime.combine(day, time(), zone_named(zone))
    return first, datetime.combine(day, time(23, 59, 59), zone_named(zone))


def past(said: When | None, zone: str, received_at: datetime) -> datetime | None:
    """The moment something happened, never after `received_at`; None when its day is still to come.

    A day without a time means "some time that day". Its end is taken, or the arrival of the file on the
    same day, whichever is earlier: taken as midnight, a parcel sent at 17:00 would look 17 hours old and
    its notice could be dropped as stale.
    """
    if said is None or said.day > received_at.astimezone(zone_named(zone)).date():
        return None
    return min(said.at or day_bounds(said.day, zone)[1], received_at)
