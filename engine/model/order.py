"""What was bought: lines, money, and the order as it is folded from everything heard about it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from engine.model.customer import Party

Quantity = int | float  # some shops sell 1.5 m of cloth

Payment = Literal["pending", "authorized", "paid", "partially_refunded", "refunded", "voided", "failed"]

PAID: frozenset[str] = frozenset({"paid", "partially_refunded", "refunded"})  # money was received at some time


class Money(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`amount` is a decimal string ("8800", "12.50") in major units; `currency` is ISO 4217."""

    amount: str
    currency: str


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ordered article. `cancelled` counts the units of it that the source says will not be sent."""

    id: str
    name: str
    quantity: Quantity
    sku: str | None = None
    variant: str | None = None
    price: Money | None = None  # of one unit, as shown to the customer
    cancelled: Quantity = 0
    ships: bool = True  # False for gift cards, downloads, services: nothing travels
    image_url: str | None = None
    url: str | None = None


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The order as known now. Times are aware; None means nobody has said so yet.

    `paid_at` and `allocated_at` are when the fact first held, as far as the sources tell; an order
    is confirmed when both are known (see `engine.rules.fold`).
    """

    number: str | None = None  # as the shop shows it: "#1001"
    placed_at: datetime | None = None
    payment: Payment | None = None
    paid_at: datetime | None = None
    allocated_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    on_hold: bool = False
    ships_on: date | None = None  # the promised day of dispatch
    lines: tuple[Line, ...] = ()
    orderer: Party | None = None
    recipient: Party | None = None
    payer: Party | None = None
    total: Money | None = None
    source_notified: frozenset[str] = frozenset()  # event types the source says it has mailed about itself
    silent: bool | None = None  # True: nobody is to be written to about it; False: somebody has allowed it
    test: bool = False
