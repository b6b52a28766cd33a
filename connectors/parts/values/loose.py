"""Values whose type nobody guarantees: shops send numbers as strings, strings as numbers, null anywhere.

Every function takes whatever stood in the payload and gives the wanted type or the empty answer; none raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.model.order import Money, Quantity

MAX_TEXT = 2000  # nothing that we show is longer; a note of a megabyte is not a name
MAX_NUMBER = Decimal(10) ** 15
MAX_DECIMALS = 18  # 1e-9999 would be written out in full

# ISO 4217: currencies without a minor unit
WHOLE = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
    "XOF", "XPF",
})  # fmt: skip


def text(value: object) -> str | None:
    """The text of a string or number without the space around it; None when nothing is left."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value).strip()[:MAX_TEXT] or None


def first(*values: object) -> str | None:
    """The first of the values that is text."""
    return next((found for value in values if (found := text(value))), None)


def identity(value: object) -> str | None:
    """An id as text: 450789469 and "450789469" are one; 0 and empty mean that there is none."""
    found = text(value)
    return None if found == "0" else found


def flag(value: object) -> bool | None:
    """A JSON true or false; None for anything else."""
    return value if isinstance(value, bool) else None


def is_on(value: object) -> bool:
    """Is a flag set? Databases write 1, JSON true, PHP sometimes "1"."""
    return value is True or text(value) == "1"


def table(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The objects of an array; other elements are dropped."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def number(value: object) -> Decimal | None:
    """The finite number that a JSON number or numeric string means, else None. 0.1 stays 0.1."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 30.0 is how PHP writes 30
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= MAX_NUMBER:
        return None
    return found if int(found.as_tuple().exponent) >= -MAX_DECIMALS else None


def quantity(value: object) -> Quantity:
    """Units as a whole number where they are whole (2, "2", 2.0), else as a float; 0 when unreadable."""
    found = number(value)
    if found is None or found <= 0:
        return 0
    return int(found) if found == found.to_integral_value() else float(found)


def money(amount: object, currency: object) -> Money | None:
    """The amount as the source wrote it with its currency; None when either is missing or unreadable."""
    found, code = number(amount), text(currency)
    if found is None or code is None or not (len(code) == 3 and code.isascii() and code.isalpha()):
        return None
    return Money(amount=plain(found), currency=code.upper())


def yen(amount: object) -> Money | None:
    """An amount in yen, whole where it is whole: "5800.00" is 5800."""
    found = number(amount)
    if found is not None and found == found.to_integral_value():
        return money(int(found), "JPY")
    return money(amount, "JPY")


def rounded(amount: Decimal, currency: object) -> Decimal:
    """The amount in the smallest unit of its currency: whole yen, cents."""
    return amount.quantize(Decimal(1) if text(currency) in WHOLE else Decimal("0.01"))


def plain(amount: Decimal) -> str:
    """Digits without an exponent: "8800", "12.50"."""
    return format(amount, "f")


def link(value: object) -> str | None:
    """An http or https address, else None: a payload must not smuggle `javascript:` into a page."""
    found = text(value)
    return found if found and found.lower().startswith(("https://", "http://")) else None


def raw_status(value: object) -> str | None:
    """A status as it stands in a status map: lower case, at most 64 characters, printable."""
    found = text(value)
    return "".join(c for c in found.lower() if c.isprintable())[:64] or None if found else None
