"""What is paid, and what the order comes to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from connectors.parts.values.loose import money, number, plain, raw_status, rows, table
from connectors.sources.medusa.words import meaning, refunds
from engine.model.order import Money, Payment


def payment(order: Mapping[str, Any]) -> tuple[Payment | None, tuple[str, ...]]:
    """`payment_status`, which Medusa computes from the payments; from their sums where it was not asked for."""
    if raw_status(order.get("payment_status")) is not None:
        paid, unmapped = meaning("payments", order.get("payment_status"))
        return cast(Payment | None, paid), unmapped
    groups = rows(order.get("payment_collections"))
    if not groups:
        return None, ()
    due, held, taken, back = (_sum(groups, f"{name}amount") for name in ("", "authorized_", "captured_", "refunded_"))
    if back and back >= taken:
        return "refunded", ()
    if back:
        return "partially_refunded", ()
    if taken and taken >= due:
        return "paid", ()
    return ("authorized" if held and held >= due else "pending"), ()


def total(order: Mapping[str, Any]) -> Money | None:
    """What the customer pays, before anything is given back.

    `total` counts down with every return, refund and cancellation; from the first of them on it is what was
    taken from the customer, or was to be taken.
    """
    currency = order.get("currency_code")
    groups = rows(order.get("payment_collections"))
    sums = [_sum(groups, "captured_amount"), _sum(groups, "amount")]
    if _touched(order) and (known := next((one for one in sums if one > 0), None)):
        return money(plain(known), currency)
    return money(order.get("total"), currency)


def _touched(order: Mapping[str, Any]) -> bool:
    counted = ("return_received_quantity", "return_dismissed_quantity", "written_off_quantity")
    details = [table(item.get("detail")) for item in rows(order.get("items"))]
    gone = any(number(detail.get(name)) for detail in details for name in counted)
    return gone or bool(refunds(order)) or raw_status(order.get("status")) == "canceled"


def _sum(groups: list[Mapping[str, Any]], name: str) -> Decimal:
    return sum((number(group.get(name)) or Decimal(0) for group in groups), Decimal(0))
