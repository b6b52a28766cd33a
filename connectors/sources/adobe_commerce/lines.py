"""The articles of an order. A configurable article or a bundle comes as a row with further rows below it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.parts.values.loose import first, identity, number, plain, quantity, raw_status, rows, text
from connectors.sources.adobe_commerce.words import amount
from engine.model.order import Line
from engine.model.shipment import Packed

NOTHING_TRAVELS = frozenset({"virtual", "downloadable"})


def lines(order: Mapping[str, Any]) -> tuple[Line, ...] | None:
    """What the customer put into the cart; None when the payload has no items at all."""
    if not isinstance(order.get("items"), list):
        return None
    found = []
    for item in rows(order["items"]):
        line_id = identity(item.get("item_id"))
        if line_id is None or identity(item.get("parent_item_id")):
            continue
        found.append(
            Line(
                id=line_id,
                name=text(item.get("name")) or line_id,
                quantity=quantity(item.get("qty_ordered")),
                sku=text(item.get("sku")),
                price=amount(first(item.get("price_incl_tax"), item.get("price")), order.get("order_currency_code")),
                cancelled=quantity(plain(_never_sent(item))),
                ships=_ships(item, order),
            )
        )
    return tuple(found)


def sent_whole(order: Mapping[str, Any]) -> bool:
    """Has everything that can be sent been sent?"""
    items = [one for one in rows(order.get("items")) if not identity(one.get("parent_item_id")) and _ships(one, order)]
    return bool(items) and all(
        _number(one, "qty_shipped") + _never_sent(one) >= _number(one, "qty_ordered") for one in items
    )


def packed(items: object, order: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    """What a shipment or credit memo lists, by the rows that the customer ordered. Rows below a bundle count as often
    as the bundle they make up."""
    ordered = {found: one for one in rows(order.get("items")) if (found := identity(one.get("item_id")))}
    units: dict[str, Decimal] = {}
    told: dict[str, Mapping[str, Any]] = {}
    for item in rows(items):
        line_id = identity(item.get("order_item_id"))
        count = _number(item, "qty")
        if line_id is None or count <= 0:
            continue
        row = ordered.get(line_id, {})
        if parent := identity(row.get("parent_item_id")):
            whole = ordered.get(parent, {})
            share = _number(row, "qty_ordered") / (_number(whole, "qty_ordered") or Decimal(1))
            line_id, count = parent, count / share if share else count
        units[line_id] = max(units.get(line_id, Decimal(0)), count)
        told.setdefault(line_id, ordered.get(line_id, item))
    contents = tuple(
        Packed(quantity=quantity(plain(count)), line_id=line_id, sku=text(told[line_id].get("sku")),
               name=text(told[line_id].get("name")))
        for line_id, count in units.items()
    )  # fmt: skip
    return contents or None


def _ships(item: Mapping[str, Any], order: Mapping[str, Any]) -> bool:
    kind = raw_status(item.get("product_type"))
    return not ((order.get("is_virtual")) or (item.get("is_virtual")) or kind in NOTHING_TRAVELS)


def _never_sent(item: Mapping[str, Any]) -> Decimal:
    """Units that were cancelled, or refunded before they left."""
    refunded_first = max(Decimal(0), _number(item, "qty_refunded") - _number(item, "qty_shipped"))
    return min(_number(item, "qty_canceled") + refunded_first, _number(item, "qty_ordered"))


def _number(item: Mapping[str, Any], name: str) -> Decimal:
    return number(item.get(name)) or Decimal(0)
