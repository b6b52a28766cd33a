"""How dates, times, money, names and quantities are written to people, in Japanese and English.

Written by hand where it is short: formatting is the hot path of rendering, and a general library spells
yen as "￥8,800" where a Japanese shop writes "8,800円". Every function takes the locale last: "ja", else
English. Datetimes are aware and already in the reader's time zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import format_currency

_DAYS_JA = "月火水木金土日"
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WHOLE_DAY = timedelta(hours=20)  # a window this long is a day, not a time: sources write 00:00-23:59

# Controls, line separators, bidirectional overrides, halves of characters: a name may hold them, a header
# or a line must not.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_SUFFIXES = ("様", "さま", "さん", "御中", "殿")


def day(when: date, locale: str) -> str:
    """11月24日(火) / Tue 24 Nov"""
    if locale == "ja":
        return f"{when.month}月{when.day}日({_DAYS_JA[when.weekday()]})"
    return f"{_DAYS_EN[when.weekday()]} {when.day} {_MONTHS_EN[when.month - 1]}"


def time(when: datetime, locale: str) -> str:
    """14時, 14時5分 / 14:00"""
    if locale == "ja":
        return f"{when.hour}時{when.minute}分" if when.minute else f"{when.hour}時"
    return f"{when.hour}:{when.minute:02}"


def moment(when: datetime, locale: str) -> str:
    """11月24日(火) 14:05 / Tue 24 Nov, 14:05"""
    between = " " if locale == "ja" else ", "
    return f"{day(when, locale)}{between}{when.hour}:{when.minute:02}"


def span(start: datetime, end: datetime, locale: str) -> str:
    """14時〜16時 / 14:00–16:00; an end at midnight is 24時 / 24:00."""
    ends_at_midnight = end.date() > start.date() and end.hour == end.minute == 0
    if locale == "ja":
        return f"{time(start, locale)}〜{'24時' if ends_at_midnight else time(end, locale)}"
    return f"{time(start, locale)}–{'24:00' if ends_at_midnight else time(end, locale)}"


def arrival(start: datetime | None, end: datetime | None, locale: str) -> str | None:
    """When a parcel is expected, None if unknown: 11月24日(火) 14時〜16時, 11月24日(火)〜25日(水).

    With an end only: 11月24日(火)まで / by Tue 24 Nov; with a start only: the day. A window that fills
    its day is the day. An end at midnight belongs to the day before.
    """
    if start is None or end is None:
        one = start or end
        return None if one is None else _open_ended(one, locale, until=start is None)
    last = end - timedelta(microseconds=1) if end > start else end
    if start.date() != last.date():
        return _days(start, last, locale)
    if end - start >= _WHOLE_DAY or end == start:
        return day(start, locale)
    return f"{day(start, locale)}{' ' if locale == 'ja' else ', '}{span(start, end, locale)}"


def money(amount: str, currency: str, locale: str) -> str:
    """8,800円 / ¥8,800 / $12.50. `amount` is a decimal string in major units."""
    return _money(amount, currency, locale)


def price(amount: str, currency: str, locale: str) -> str:
    """Money a consumer pays. In Japan shown prices include the tax, and say so: 8,800円(税込)."""
    paid = _money(amount, currency, locale)
    return f"{paid}(税込)" if locale == "ja" and currency == "JPY" else paid


def amount_of(value: Mapping[str, Any]) -> tuple[str, str]:
    """The two arguments of `money` and `price` out of a template's {amount, currency}."""
    return str(value["amount"]), str(value["currency"])


def quantity(units: int | float, locale: str) -> str:
    """2, 1.5, 1,200: no ".0" on whole numbers, the same in both languages."""
    return f"{units:,.0f}" if units == int(units) else f"{units:,.3f}".rstrip("0")


def honorific(name: str, locale: str) -> str:
    """山田 花子様 / Hanako Yamada. The name stays as the customer wrote it; nobody becomes 様様."""
    if locale != "ja" or name.endswith(_SUFFIXES):
        return name
    return f"{name}様"


def parcel(position: int, total: int | None, locale: str) -> str:
    """2個口のうち1個目 / parcel 1 of 2; while the total is open: 1個目 / parcel 1."""
    if locale == "ja":
        return f"{total}個口のうち{position}個目" if total else f"{position}個目"
    return f"parcel {position} of {total}" if total else f"parcel {position}"


def clean(text: str) -> str:
    """The text on one line without anything that could break a header, a line or the reading direction."""
    return text if text.isprintable() else _UNPRINTABLE.sub(" ", text).strip(" ")


def _open_ended(when: datetime, locale: str, *, until: bool) -> str:
    if not until:
        return day(when, locale)
    return f"{day(when, locale)}まで" if locale == "ja" else f"by {day(when, locale)}"


def _days(first: date, last: date, locale: str) -> str:
    if locale != "ja":
        return f"{day(first, locale)} – {day(last, locale)}"
    end = day(last, locale)
    return f"{day(first, locale)}〜{end.partition('月')[2] if first.month == last.month else end}"


@lru_cache(maxsize=4096)
def _money(amount: str, currency: str, locale: str) -> str:
    if currency == "JPY":
        yen = f"{Decimal(amount).quantize(Decimal(1), ROUND_HALF_UP):,}"
        return f"{yen}円" if locale == "ja" else f"¥{yen}".replace("¥-", "-¥")
    return format_currency(Decimal(amount), currency, locale="ja_JP" if locale == "ja" else "en_US")
