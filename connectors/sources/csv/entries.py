"""A row of cells -> a row of values, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.parts.bodies.grid import Row
from connectors.parts.values import values
from connectors.parts.values.times import zone_named
from connectors.parts.values.values import When
from connectors.sources.csv.columns import Layout
from engine.contracts import BadRow

DATES = ("order_date", "paid_at", "cancelled_date", "shipped_date", "delivered_date", "eta_date")
CODES = ("order_number", "owner", "item_code", "orderer_email", "orderer_phone", "recipient_phone",
         "recipient_postal_code")  # fmt: skip
# Columns that are neither dates nor codes nor here hold text that people wrote.
READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "tracking_number": ("tracking", values.tracking),
    "shipped_time": ("clock", values.clock),
    "quantity": ("quantity", values.quantity),
    "parcel_count": ("count", values.count),
    "unit_price": ("amount", values.amount),
    "total": ("amount", values.amount),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one row says, by our field; a field is absent where the cell is empty."""

    number: int
    said: Mapping[str, Any]

    def text(self, field: str) -> str | None:
        """The text of the field, None where the row has none."""
        value = self.said.get(field)
        return value if isinstance(value, str) else None

    def when(self, field: str) -> When | None:
        """The day or moment of the field, None where the row has none."""
        value = self.said.get(field)
        return value if isinstance(value, When) else None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads rows of one layout. `zone` is an IANA name, `date_format` a strptime format or None."""

    layout: Layout
    zone: str
    date_format: str | None = None
    routed: bool = False

    def read(self, row: Row) -> Entry | BadRow:
        """Return the row's values, or a BadRow that names the column and what was expected in it."""
        cells, width = row.cells, self.layout.width
        if width is not None and (len(cells) < width or any(cell.strip() for cell in cells[width:])):
            return BadRow(number=row.number, reason=f"{len(cells)} columns where the header has {width}")
        if len(cells) <= max(self.layout.fields.values()):
            needed = max(self.layout.fields.values()) + 1
            return BadRow(number=row.number, reason=f"{len(cells)} columns, at least {needed} are needed")
        said: dict[str, Any] = {}
        for field, index in self.layout.fields.items():
            try:
                value = self._value(field, cells[index])
            except ValueError:
                reason = f"{self.layout.place(field)}: expected {self._wanted(field)}"
                return BadRow(number=row.number, reason=reason)
            if value not in (None, "", ()):
                said[field] = value
        needed_fields = ["order_number" if "order_number" in self.layout.fields else "tracking_number"]
        needed_fields += ["owner"] if self.routed else []
        for field in needed_fields:
            if field not in said:
                return BadRow(number=row.number, reason=f"{self.layout.place(field)}: is empty")
        return Entry(number=row.number, said=self._timed(said))

    def order_number(self, row: Row) -> str | None:
        """The order a bad row belongs to, None where it does not tell."""
        index = self.layout.fields.get("order_number")
        cell = row.cells[index] if index is not None and index < len(row.cells) else ""
        return values.narrow(cell) or None

    def _value(self, field: str, cell: str) -> Any:
        if not cell.strip():
            return None
        if field in DATES:
            return values.when(cell, self.zone, self.date_format)
        if field in READERS:
            return READERS[field][1](cell)
        return values.narrow(cell) if field in CODES else values.text(cell)

    def _wanted(self, field: str) -> str:
        if field in DATES and self.date_format:
            return f"a date written as {self.date_format} (setting date_format)"
        return values.EXPECTED[READERS[field][0] if field in READERS else "when"]

    def _timed(self, said: dict[str, Any]) -> dict[str, Any]:
        """The shipping day and its time of day, when they stand in two columns."""
        day, clock = said.get("shipped_date"), said.pop("shipped_time", None)
        if isinstance(day, When) and day.at is None and clock is not None:
            at = datetime.combine(day.day, clock, zone_named(self.zone))
            said["shipped_date"] = When(day=day.day, at=at)
        return said
