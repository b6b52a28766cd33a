"""Returns: units or money on their way back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from engine.model.order import Money
from engine.model.shipment import Packed

# What becomes of the units: they come back, they never left, or the customer keeps them.
Goods = Literal["returned", "cancelled", "kept"]


class Return(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One return or refund as known now. A refund of units that never left is `goods="cancelled"`."""

    key: str
    goods: Goods = "returned"
    contents: tuple[Packed, ...] = ()
    requested_at: datetime | None = None
    approved_at: datetime | None = None
    received_at: datetime | None = None
    refunded_at: datetime | None = None
    declined_at: datetime | None = None
    amount: Money | None = None
    reason: str | None = None
    silent: bool | None = None  # True: the source wants nobody written to about it
