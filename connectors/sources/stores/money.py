"""Transactions: what was paid, how, and what went back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.parts.values.loose import identity, number, plain, raw_status, rows, yen
from connectors.sources.stores.words import MAP, when
from engine.contracts import Ref, ReturnSeen
from engine.model.order import Money, Payment
from engine.model.returns import Goods

Transactions = Sequence[Mapping[str, Any]]


def payment(order: Mapping[str, Any], *, cancelled: bool) -> tuple[Payment | None, datetime | None]:
    """How the order's payment stands, and since when it is paid.

    Money back is a transaction with a negative amount. Cash on delivery has no date of payment and counts as paid:
    nothing is outstanding before the parcel leaves. `readied_at` tells that an order is paid that cost nothing.
    """
    given = [one for one in rows(order.get("transactions")) if _amount(one) > 0]
    back = -sum((_amount(one) for one in rows(order.get("transactions")) if _amount(one) < 0), Decimal(0))
    paid = [at for one in given if (at := when(one, "paid_at"))]
    paid_at = max(paid, default=None)
    if back:
        everything = back >= sum((_amount(one) for one in given), Decimal(0))
        return ("refunded" if everything else "partially_refunded"), paid_at
    settled = [one for one in given if when(one, "paid_at")]
    if cancelled and not settled:
        return ("voided", None) if given else (None, None)
    if given and all(when(one, "paid_at") or _on_delivery(one) for one in given):
        return "paid", paid_at
    if given:
        return "pending", None
    readied_at = when(order, "readied_at")
    return ("paid", readied_at) if readied_at else (None, None)


def refunds(order: Mapping[str, Any], order_id: str, as_of: datetime, goods: Goods) -> tuple[ReturnSeen, ...]:
    """One for every sum that went back; it does not say which articles it was for."""
    return tuple(
        ReturnSeen(
            ref=Ref(order_id=order_id, return_id=identity(one.get("id")) or f"{order_id}-{place}"),
            as_of=as_of,
            goods=goods,
            refunded_at=when(one, "paid_at") or as_of,
            amount=yen(plain(-_amount(one))),
        )
        for place, one in enumerate(rows(order.get("transactions")))
        if _amount(one) < 0
    )


def total(order: Mapping[str, Any]) -> Money | None:
    """What the order came to. `payment_amount` is what the buyer pays, fees included, and shrinks when something is
    cancelled or paid back; what was taken off is added again."""
    now, off = number(order.get("payment_amount")), number(order.get("cancel_amount"))
    return yen(plain(now + (off or Decimal(0)))) if now is not None else None


def _amount(one: Mapping[str, Any]) -> Decimal:
    return number(one.get("amount")) or Decimal(0)


def _on_delivery(one: Mapping[str, Any]) -> bool:
    return MAP["transactions"].get(raw_status(one.get("type")) or "", {}).get("status") == "on_delivery"
