"""Returns of goods and refunds of money. Medusa keeps them apart: a refund belongs to a payment, not to a return."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import first, flag, identity, money, quantity, rows, table
from connectors.sources.medusa.words import meaning, refunds, when
from engine.contracts import Ref, ReturnSeen
from engine.model.returns import Goods
from engine.model.shipment import Packed


def backs(order: Mapping[str, Any], as_of: datetime) -> tuple[tuple[ReturnSeen, ...], tuple[str, ...]]:
    """Every return that was asked for and every refund; and the raw statuses that the map does not have."""
    order_id = identity(order.get("id"))
    found: list[ReturnSeen] = []
    unmapped: list[str] = []
    for one in rows(order.get("returns")):
        status, raw = meaning("returns", one.get("status"))
        unmapped += raw
        if status != "draft" and (return_id := identity(one.get("id"))):
            ref = Ref(order_id=order_id, return_id=return_id)
            found.append(_return(one, ref, status, as_of, order.get("currency_code")))
    cancelled = meaning("orders", order.get("status"))[0] == "cancelled"
    goods: Goods = "cancelled" if cancelled else "kept"  # of goods that come back a return of its own tells
    for one in refunds(order):
        if refund_id := identity(one.get("id")):
            at = when(one, "created_at") or as_of
            found.append(
                ReturnSeen(
                    ref=Ref(order_id=order_id, return_id=refund_id),
                    as_of=at,
                    goods=goods,
                    refunded_at=at,
                    amount=money(one.get("amount"), order.get("currency_code")),
                    reason=first(table(one.get("refund_reason")).get("label"), one.get("note")),
                )
            )
    return tuple(found), tuple(unmapped)


def _return(source: Mapping[str, Any], ref: Ref, status: str | None, as_of: datetime, currency: object) -> ReturnSeen:
    at = when(source, "updated_at") or as_of
    return ReturnSeen(
        ref=ref,
        as_of=at,
        contents=tuple(_packed(item) for item in rows(source.get("items")) if quantity(item.get("quantity"))),
        requested_at=when(source, "requested_at") or (at if status == "requested" else None),
        # of a partly received return only some of it has come: it is received when all of it has
        received_at=(when(source, "received_at") or at) if status == "received" else None,
        declined_at=(when(source, "canceled_at") or at) if status == "cancelled" else None,
        amount=money(source.get("refund_amount"), currency),
        reason=next(filter(None, map(_reason, rows(source.get("items")))), None),
        silent=flag(source.get("no_notification")),
    )


def _packed(item: Mapping[str, Any]) -> Packed:
    article = table(item.get("item"))
    return Packed(
        quantity=quantity(item.get("quantity")),
        line_id=identity(item.get("item_id")),
        sku=first(article.get("variant_sku")),
        name=first(article.get("product_title"), article.get("title")),
    )


def _reason(item: Mapping[str, Any]) -> str | None:
    return first(table(item.get("reason")).get("label"), item.get("note"))
