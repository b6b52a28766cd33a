"""Articles in rows -> the lines of an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from connectors.sources.csv.entries import Entry
from engine.model.order import Line, Money, Quantity


@dataclass(frozen=True, kw_only=True)
class Article:
    """What a row is about. Its code names it, else its name; so a parcel's row finds the order's line."""

    id: str
    name: str


def article(row: Entry) -> Article | None:
    """The article of the row, None where the file names none."""
    code, name = row.text("item_code"), row.text("item_name")
    identity = code or name
    return Article(id=identity, name=name or identity) if identity else None


def units(row: Entry) -> Quantity:
    """How many of it; one where the file has no quantity."""
    quantity: Quantity = row.said.get("quantity", 1)
    return quantity


def lines_of(rows: Iterable[Entry], cancelled: Iterable[int], currency: str) -> tuple[Line, ...]:
    """One line for every article, units of its rows added up; `cancelled` are numbers of cancelled rows."""
    lines: dict[str, Line] = {}
    gone = set(cancelled)
    for row in rows:
        item = article(row)
        if item is None:
            continue
        known = lines.get(item.id) or Line(
            id=item.id, name=item.name, quantity=0, sku=row.text("item_code"), price=_price(row, currency)
        )
        lost = units(row) if row.number in gone else 0
        lines[item.id] = replace(known, quantity=known.quantity + units(row), cancelled=known.cancelled + lost)
    return tuple(lines.values())


def _price(row: Entry, currency: str) -> Money | None:
    amount = row.text("unit_price")
    return Money(amount=amount, currency=currency) if amount else None
