"""Refunds -> ReturnSeen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.parts.values.loose import (
    first,
    flag,
    identity,
    money,
    number,
    plain,
    quantity,
    raw_status,
    rows,
    table,
    text,
)
from connectors.sources.shopify.words import first_moment, named
from engine.contracts import Reading, Ref, ReturnSeen
from engine.model.order import Money
from engine.model.returns import Goods
from engine.model.shipment import Packed

# https://shopify.dev/docs/api/admin-graphql/latest/enums/RefundLineItemRestockType
RESTOCK: Mapping[str, Goods] = {"return": "returned", "cancel": "cancelled", "no_restock": "kept"}


def refund(source: Mapping[str, Any], received_at: datetime, currency: object = None) -> Reading:
    """A refund as a return: units that go back into stock count as received, money as paid back only when
    a transaction says that it succeeded; `currency` is the order's, for transactions without one.
    Raises Unreadable without id."""
    return_id = named(source, "id", "refund")
    at = first_moment(source, "created_at", "processed_at") or received_at
    items = rows(source.get("refund_line_items"))
    fates = [fate(item, source) for item in items]
    goods: Goods = next((one for one in ("returned", "cancelled") if one in fates), "kept")
    done, amount = paid_back(source, currency)
    seen = ReturnSeen(
        ref=Ref(order_id=identity(source.get("order_id")), return_id=return_id),
        as_of=at,
        goods=goods,
        contents=tuple(_packed(item) for item, one in zip(items, fates, strict=True) if one == goods),
        received_at=at if goods == "returned" else None,
        refunded_at=at if done else None,
        amount=amount,
        reason=text(source.get("note")),
    )
    return Reading(observations=(seen,))


def fate(item: Mapping[str, Any], source: Mapping[str, Any]) -> Goods:
    """What became of the units of a refund line.

    Old refunds only say whether they were restocked: what had been sent came back, the rest never left.
    """
    restock = raw_status(item.get("restock_type"))
    known = RESTOCK.get(restock or "")
    if known:
        return known
    if flag(source.get("restock")) is not True and restock != "legacy_restock":
        return "kept"
    sent = table(item.get("line_item")).get("fulfillment_status") == "fulfilled"
    return "returned" if sent else "cancelled"


def _packed(item: Mapping[str, Any]) -> Packed:
    article = table(item.get("line_item"))
    return Packed(
        quantity=quantity(item.get("quantity")),
        line_id=identity(item.get("line_item_id")),
        sku=text(article.get("sku")),
        name=text(article.get("title")),
    )


def paid_back(source: Mapping[str, Any], currency: object = None) -> tuple[bool, Money | None]:
    """Whether money went back, and the sum; the sum is None when its currency is not known or not one."""
    done = [
        one
        for one in rows(source.get("transactions"))
        if raw_status(one.get("kind")) == "refund" and raw_status(one.get("status")) == "success"
    ]
    total = sum((number(one.get("amount")) or Decimal(0) for one in done), Decimal(0))
    currencies = {first(one.get("currency"), currency) for one in done}
    if total <= 0:
        return False, None
    return True, money(plain(total), currencies.pop()) if len(currencies) == 1 else None


def taken_back(order: Mapping[str, Any]) -> Decimal:
    """What the articles on the order's refunds are worth with their tax, paid back or not, in the order's currency."""
    items = [item for one in rows(order.get("refunds")) for item in rows(one.get("refund_line_items"))]
    sums = (number(item.get(key)) for item in items for key in ("subtotal", "total_tax"))
    return sum((one for one in sums if one), Decimal(0))
