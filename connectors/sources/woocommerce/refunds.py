"""Refunds of an order -> ReturnSeen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import identity, money, number, plain, rows
from connectors.sources.woocommerce.words import words
from engine.contracts import Ref, ReturnSeen


def refunds(order: Mapping[str, Any], order_id: str, as_of: datetime, *, never_sent: bool) -> tuple[ReturnSeen, ...]:
    """One per refund. It tells a sum (negative) and a reason, neither its date nor what became of the goods:
    the customer keeps them as far as we know, unless the whole order was refunded before anything was sent.
    The date is that of the first snapshot in which the refund shows.
    """
    return tuple(
        ReturnSeen(
            ref=Ref(order_id=order_id, return_id=return_id),
            as_of=as_of,
            goods="cancelled" if never_sent else "kept",
            refunded_at=as_of,
            amount=money(plain(abs(total)), order.get("currency")),
            reason=words(row.get("reason")),
        )
        for row in rows(order.get("refunds"))
        if (return_id := identity(row.get("id"))) and (total := number(row.get("total")))
    )
