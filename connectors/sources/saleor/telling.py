"""One thing that Saleor tells: which event, of which order and parcel, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.values.loose import identity, money, raw_status, rows, table, text
from connectors.parts.values.times import moment
from engine.model.order import Money

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.by_section(MAP)


@dataclass(frozen=True, kw_only=True)
class Telling:
    """`topic` is an event of Saleor in lower case ("order_fully_paid"), or "order" for a record that was polled.
    `order` and `group` (a fulfilment) are in snake case. `issued_at` is when the event happened. `mailed` says that
    the shop lets somebody else write to its customers when staff asks for it."""

    topic: str
    received_at: datetime
    order: Mapping[str, Any] = field(default_factory=dict)
    group: Mapping[str, Any] = field(default_factory=dict)
    issued_at: datetime | None = None
    mailed: bool = False
    refunded: Money | None = None  # the sum of a notice about money that went back

    @property
    def as_of(self) -> datetime:
        """The last change that shows. `updatedAt` does not follow a new tracking number; the order's events do."""
        told = [self.issued_at, moment(self.order.get("updated_at"))]
        told += [moment(row.get("date")) for row in rows(self.order.get("events"))]
        told += [moment(row.get("updated_at")) for row in rows(self.order.get("granted_refunds"))]
        return max((at for at in told if at), default=self.received_at)

    @property
    def happened(self) -> list[tuple[str, Mapping[str, Any], datetime]]:
        """The order's own log, oldest first: type in lower case, the entry, its moment."""
        log = [
            (raw_status(row.get("type")) or "", row, at)
            for row in rows(self.order.get("events"))
            if (at := moment(row.get("date")))
        ]
        return sorted(log, key=lambda entry: entry[2])

    def first(self, *types: str) -> datetime | None:
        """When one of these first stood in the order's log."""
        return next((at for kind, _, at in self.happened if kind in types), None)


def currency_of(order: Mapping[str, Any]) -> str | None:
    """The currency of amounts that stand without one."""
    stated = text(order.get("currency")) or text(table(order.get("channel")).get("currency_code"))
    return stated or next((found for row in rows(order.get("lines")) if (found := text(row.get("currency")))), None)


def amount(source: Mapping[str, Any], name: str, currency: object, kind: str = "gross") -> Money | None:
    """The sum called `name`: {"gross": {"amount", "currency"}}, {"amount", "currency"} or `<name>_gross_amount`."""
    taxed = table(source.get(name))
    one = table(taxed.get(kind)) or taxed
    told = money(one.get("amount"), one.get("currency") or currency)
    return told or money(source.get(f"{name}_{kind}_amount"), source.get("currency") or currency)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Do the two speak of one thing, by their id?"""
    found = identity(one.get("id"))
    return found is not None and found == identity(other.get("id"))
