"""Which days are business days: weekends, national holidays, the year's end, a merchant's closing days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import jpholiday

# Japanese warehouses and offices close these days, though only 1 January is a holiday by law.
YEAR_END: frozenset[tuple[int, int]] = frozenset({(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)})
SATURDAY = 5
SEARCHED = 366  # days in a row; whoever is closed for longer has no business days


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """A merchant's working calendar. `country` "JP" adds Japan's national holidays, None adds none;
    `yearly` are (month, day) pairs; `closed` and `opened` are single days that outweigh the rest."""

    country: str | None = "JP"
    yearly: frozenset[tuple[int, int]] = YEAR_END
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        """Is it a business day?"""
        if day in self.opened or day in self.closed:
            return day in self.opened
        if day.weekday() >= SATURDAY or (day.month, day.day) in self.yearly:
            return False
        return not (self.country == "JP" and jpholiday.is_holiday(day))


JAPAN = Calendar()


def business_days_after(day: date, count: int, calendar: Calendar) -> date:
    """Return the `count`-th business day after `day`, which itself never counts.

    Raises ValueError when the calendar has no business day for a year.
    """
    closed_in_a_row = 0
    while count > 0:
        day += timedelta(days=1)
        closed_in_a_row = 0 if calendar.is_open(day) else closed_in_a_row + 1
        if closed_in_a_row > SEARCHED:
            raise ValueError(f"no business day within {SEARCHED} days before {day}: check the closing days")
        count -= not closed_in_a_row
    return day
