"""What an expression found -> a value of ours. Sources send numbers as texts, one where a list was expected, a list
where one was expected; what has one meaning is taken. Raises ValueError where a value has none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from connectors.parts.values import loose, values
from connectors.parts.values.times import from_unix, zone_named
from connectors.parts.values.values import When

EXPECTED = {
    "moment": "a time, as 2026-11-24T10:00:00+09:00, 2026/11/24 9:05, 20261124 or unix seconds; "
    "other forms need date_format",
    "amount": "an amount, as 8800 or 8,800",
    "quantity": "a number that is not negative",
    "count": "a whole number from 1",
    "flag": "yes or no, true or false, 1 or 0",
    "numbers": values.EXPECTED["tracking"],
}
_YES = frozenset({"true", "yes", "y", "1", "on", "はい", "有", "あり", "済"})
_NO = frozenset({"false", "no", "n", "0", "off", "いいえ", "無", "なし", "未"})
_UNIX_SECONDS, _UNIX_MILLISECONDS = 10, 13  # digits, until the year 2286


def texts(found: Any) -> Iterator[str]:
    """The texts in it, through lists, and of objects their own text (an XML element with attributes)."""
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, list):
            yield from texts(one)
        elif (said := loose.text(one.get("text") if isinstance(one, dict) else one)) is not None:
            yield said


def text(found: Any) -> str | None:
    """The first text."""
    if found is None:
        return None
    if isinstance(found, str):
        return found.strip()[: loose.MAX_TEXT] or None
    return next(texts(found), None)


def when(found: Any, zone: str, formats: tuple[str, ...]) -> When | None:
    """The day or moment; a time without a zone is one of `zone`. None for a filler as 0000-00-00."""
    said = text(found)
    if said is None:
        return None
    plain = values.narrow(said)
    digits = plain.removesuffix(".0")
    if digits.isascii() and digits.isdigit() and len(digits) in (_UNIX_SECONDS, _UNIX_MILLISECONDS):
        at = from_unix(int(digits[:_UNIX_SECONDS]))
        return _moment(at.astimezone(zone_named(zone))) if at else None
    for form in formats:
        try:
            at = datetime.strptime(plain, form)  # noqa: DTZ007 the zone follows
        except ValueError:
            continue
        if at.tzinfo is not None:
            return _moment(at)
        return values.when(at.strftime("%Y-%m-%d %H:%M:%S"), zone)
    try:
        return values.when(plain, zone)
    except ValueError:
        raise ValueError(EXPECTED["moment"]) from None


def _moment(at: datetime) -> When:
    return When(day=at.date(), at=at.astimezone(UTC) if at.tzinfo is None else at)


def numbers(found: Any) -> tuple[str, ...]:
    """Tracking numbers, each once."""
    return tuple(dict.fromkeys(number for said in texts(found) for number in values.tracking(said)))


def amount(found: Any) -> str | None:
    """Money as a decimal text without a sign: a refund of -500 is one of 500."""
    said = text(found)
    if said is None:
        return None
    plain = values.narrow(said).replace(",", "").strip("¥\\$円 ")
    number = loose.number(plain)
    if number is None:
        raise ValueError(EXPECTED["amount"])
    return loose.plain(abs(number))


def quantity(found: Any) -> int | float | None:
    """Units; None where nothing is said."""
    said = text(found)
    if said is None:
        return None
    number = loose.number(values.narrow(said).replace(",", ""))
    if number is None or number < 0:
        raise ValueError(EXPECTED["quantity"])
    return int(number) if number == number.to_integral_value() else float(number)


def count(found: Any) -> int | None:
    """How many there are; 0 says nothing."""
    units = quantity(found)
    if units is None or units == 0:
        return None
    if not isinstance(units, int):
        raise ValueError(EXPECTED["count"])
    return units


def flag(found: Any) -> bool | None:
    """Yes or no in whatever spelling."""
    if isinstance(found, bool):
        return found
    said = (text(found) or "").lower()
    if said and said not in _YES | _NO:
        raise ValueError(EXPECTED["flag"])
    return said in _YES if said else None
