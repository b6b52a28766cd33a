"""Returned units and money paid back -> ReturnSeen.

Saleor tells of one refund in up to three places: a group of units, a refund that staff has granted, and the payment
itself. The same sum in two of them is one refund.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.parts.values.loose import identity, money, number, quantity, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.sources.saleor.groups import BACK, contents, fate, groups
from connectors.sources.saleor.telling import Telling, amount, currency_of, meaning
from engine.contracts import Ref, ReturnSeen
from engine.model.order import Money
from engine.model.shipment import Packed

SENT = frozenset({"dispatched", "returned", "returned_and_refunded"})


class Paid(NamedTuple):
    """Money that went back by one payment."""

    name: str
    sum: Money | None
    at: datetime


def returns(telling: Telling, ref: Ref) -> list[ReturnSeen]:
    """Everything that came back or was paid back."""
    units = [_group(one, telling, ref) for one in groups(telling) if fate(one)[0] in BACK]
    granted = [_granted(row, telling, ref) for row in rows(telling.order.get("granted_refunds"))]
    told = [one for one in (*units, *granted) if one is not None]
    explained = [_sum(one.amount) for one in told if one.amount and one.refunded_at]
    for paid in payments_back(telling):
        if paid.sum and _sum(paid.sum) in explained:
            explained.remove(_sum(paid.sum))
        else:
            told.append(
                ReturnSeen(
                    ref=Ref(order_id=ref.order_id, return_id=paid.name),
                    as_of=telling.as_of,
                    goods="kept" if was_sent(telling) else "cancelled",
                    refunded_at=paid.at,
                    amount=paid.sum,
                )
            )
    return told


def never_sent(telling: Telling) -> list[Mapping[str, Any]]:
    """Groups of units that were paid back instead of being sent."""
    return [] if was_sent(telling) else [one for one in groups(telling) if fate(one)[0] == "refunded"]


def was_sent(telling: Telling) -> bool:
    """Whether anything of the order has ever left. A group that left and was paid back is not told apart from one
    that never left; the order's log knows."""
    logged = any(kind == "fulfillment_fulfilled_items" for kind, _, _ in telling.happened)
    return logged or any(fate(one)[0] in SENT for one in groups(telling))


def payments_back(telling: Telling) -> list[Paid]:
    """Refunds that payment providers have confirmed, of either of Saleor's two ways to pay."""
    currency, found = currency_of(telling.order) or _currency_of_total(telling), []
    for transaction in rows(telling.order.get("transactions")):
        for row in rows(transaction.get("events")):
            name, at = identity(row.get("id")), moment(row.get("created_at"))
            if raw_status(row.get("type")) == "refund_success" and name and at:
                one = table(row.get("amount"))
                found.append(Paid(name, money(one.get("amount"), one.get("currency") or currency), at))
    for kind, entry, at in telling.happened:
        name = identity(entry.get("id"))
        if kind == "payment_refunded" and name:
            found.append(Paid(name, money(entry.get("amount"), currency), at))
    return found


def paid_back(telling: Telling) -> Decimal:
    """How much has gone back in all, as far as the order says."""
    stated = number(table(telling.order.get("total_refunded")).get("amount"))
    if stated is not None:
        return stated
    if telling.refunded:
        return Decimal(telling.refunded.amount)
    return sum((Decimal(one.sum.amount) for one in payments_back(telling) if one.sum), Decimal(0))


def _group(group: Mapping[str, Any], telling: Telling, ref: Ref) -> ReturnSeen | None:
    """A group of units that came back, or whose money did. Its sum is None where the fulfilment tells none."""
    return_id, became = identity(group.get("id")), fate(group)[0]
    if return_id is None:
        return None
    at = moment(group.get("created")) or telling.as_of
    sum_ = _group_sum(group, telling)
    money_back = became in ("refunded", "returned_and_refunded") or sum_ is not None
    return ReturnSeen(
        ref=Ref(order_id=ref.order_id, return_id=return_id),
        as_of=telling.as_of,
        goods="returned" if became != "refunded" else "kept" if was_sent(telling) else "cancelled",
        contents=contents(group) or (),
        received_at=at if became != "refunded" else None,
        refunded_at=at if money_back else None,
        amount=sum_,
        reason=text(group.get("reason")),
    )


def _group_sum(group: Mapping[str, Any], telling: Telling) -> Money | None:
    currency = currency_of(telling.order) or _currency_of_total(telling)
    told = table(group.get("total_refunded_amount"))
    found = money(told.get("amount"), told.get("currency") or currency)
    found = found or money(group.get("total_refund_amount"), currency)
    return found if found and Decimal(found.amount) > 0 else None


def _granted(row: Mapping[str, Any], telling: Telling, ref: Ref) -> ReturnSeen | None:
    """A refund that staff has granted; the money has gone only when its state says so."""
    return_id = identity(row.get("id"))
    if return_id is None:
        return None
    state = meaning("grants", row.get("status"))[0].get("status")
    told = table(row.get("amount"))
    packed = tuple(
        Packed(quantity=units, line_id=line_id)
        for one in rows(row.get("lines"))
        if (units := quantity(one.get("quantity"))) and (line_id := identity(table(one.get("order_line")).get("id")))
    )
    return ReturnSeen(
        ref=Ref(order_id=ref.order_id, return_id=return_id),
        as_of=telling.as_of,
        goods="kept" if was_sent(telling) else "cancelled",
        contents=packed,
        approved_at=moment(row.get("created_at")),
        refunded_at=(moment(row.get("updated_at")) or telling.as_of) if state == "refunded" else None,
        amount=money(told.get("amount"), told.get("currency")),
        reason=text(row.get("reason")),
    )


def _currency_of_total(telling: Telling) -> str | None:
    total = amount(telling.order, "total", None)
    return total.currency if total else None


def _sum(told: Money) -> tuple[Decimal, str]:
    """To compare: "50.0" and "50.00" are the same."""
    return Decimal(told.amount), told.currency
