"""One purchase from the basket to the last parcel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from engine.model.shipment import Status
from engine.terminal.demo.cast import Item, Person

TOKYO = ZoneInfo("Asia/Tokyo")

Shop = Literal["shopify", "woocommerce", "standard", "csv"]
Kind = Literal["plain", "transfer", "gift", "split", "cancelled", "absent", "held", "returned", "unreachable", "again"]

FIRST: Mapping[Shop, int] = {"shopify": 1001, "woocommerce": 2001, "standard": 3001, "csv": 4001}
WRITTEN: Mapping[Shop, str] = {"shopify": "#{}", "woocommerce": "{}", "standard": "H-{}", "csv": "T-{}"}


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """One parcel. `scans` are what the carrier sees of it, oldest first."""

    number: str
    carrier: str
    contents: tuple[tuple[Item, int], ...]
    sent_at: datetime
    eta: datetime
    scans: tuple[tuple[datetime, Status], ...]


@dataclass(frozen=True, kw_only=True)
class Back:
    """Goods that come back, and the money for them."""

    contents: tuple[tuple[Item, int], ...]
    requested_at: datetime
    received_at: datetime
    refunded_at: datetime


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One order. `email_at` is set when the shop learns the address only later."""

    shop: Shop
    kind: Kind
    seq: int  # counts from 0 within its shop
    buyer: Person
    recipient: Person
    basket: tuple[tuple[Item, int], ...]
    placed_at: datetime
    paid_at: datetime
    email_at: datetime | None = None
    cancelled_at: datetime | None = None
    parcels: tuple[Parcel, ...] = field(default=())
    back: Back | None = None

    @property
    def number(self) -> str:
        """The order number as the shop shows it."""
        return WRITTEN[self.shop].format(FIRST[self.shop] + self.seq)

    @property
    def total(self) -> int:
        """Yen with tax; the shop ships free of charge."""
        return worth(self.basket)


def worth(contents: tuple[tuple[Item, int], ...]) -> int:
    """What articles cost together, in yen."""
    return sum(item.price * units for item, units in contents)
