"""The rows of one order, and what their dates and words mean at the time the file arrived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.parts.values import values
from connectors.sources.csv import wording
from connectors.sources.csv.entries import Entry
from connectors.sources.csv.wording import Meaning
from engine.model.customer import Address, Party

HAPPENED = ("order_date", "paid_at", "cancelled_date", "shipped_date", "delivered_date")
# A word without a date ("発送済") is true now, and taken as said now so that it comes after what older files
# said. But a list of last year's orders is not news: then it counts from the newest date in its rows.
NEWS = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Told:
    """`spoiled`: another row of the order was, or may have been, bad. `unmapped` gathers unknown words."""

    order_number: str | None
    rows: tuple[Entry, ...]
    zone: str
    received_at: datetime
    spoiled: bool = False
    unmapped: list[str] = field(default_factory=list)

    def first(self, name: str) -> str | None:
        """The first text of that field among the rows."""
        return next((text for row in self.rows if (text := row.text(name))), None)

    def past(self, row: Entry, name: str) -> datetime | None:
        """When the dated thing happened, not after the file arrived; None when it has not."""
        return values.past(row.when(name), self.zone, self.received_at)

    def newest(self, rows: Iterable[Entry]) -> datetime:
        """The newest thing the rows date; when they date nothing, the arrival of the file."""
        dated = [at for row in rows for name in HAPPENED if (at := self.past(row, name))]
        return max(dated, default=self.received_at)

    def word_at(self, row: Entry) -> datetime:
        """Since when a word without a date holds."""
        newest = self.newest([row])
        return newest if self.received_at - newest > NEWS else self.received_at

    def meaning(self, row: Entry) -> Meaning | None:
        """What the order status of the row says; None when it has none or nobody has mapped it."""
        word = row.text("status")
        return wording.of_order(word) if word else None

    def says(self, row: Entry, name: str) -> str | None:
        """One field of that meaning."""
        return (self.meaning(row) or {}).get(name)

    def sent_at(self, row: Entry) -> datetime | None:
        """When the row left the warehouse; a shipping day still to come is only a plan."""
        if row.when("shipped_date"):
            return self.past(row, "shipped_date")
        return self.word_at(row) if self.says(row, "dispatched") else None

    def cancelled_at(self, row: Entry) -> datetime | None:
        """When the row was cancelled."""
        dated = self.past(row, "cancelled_date")
        return dated or (self.word_at(row) if self.says(row, "cancelled") else None)

    def recipient(self, row: Entry) -> Party | None:
        """Who gets the parcel of this row."""
        name, phone = row.text("recipient_name"), row.text("recipient_phone")
        postal_code, line1 = row.text("recipient_postal_code"), row.text("recipient_address")
        if not (name or phone or postal_code or line1):
            return None
        address = Address(name=name, postal_code=postal_code, line1=line1, phone=phone)
        return Party(name=name, phone=phone, address=address if postal_code or line1 else None)
