"""The articles of an order, and how many units of each will not be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, identity, link, number, quantity, raw_status, rows, table, text
from connectors.sources.shopify.refunds import fate
from connectors.sources.shopify.words import amount
from engine.model.order import Line, Quantity

UNITS_GO = frozenset({"success", "open", "pending"})  # fulfilments that hold their units


def lines(order: Mapping[str, Any]) -> tuple[Line, ...] | None:
    """The order's lines; None when the payload has none at all. Lines without id are left out."""
    if not isinstance(order.get("line_items"), list):
        return None
    refunded = _refunded(order)
    sent = _sent(order)
    found = []
    for item in rows(order["line_items"]):
        line_id = identity(item.get("id"))
        if line_id is None:
            continue
        fates = {goods: units for (line, goods), units in refunded.items() if line == line_id}
        cancelled = _cancelled(item, fates, sent[line_id])
        found.append(_line(item, line_id, order.get("currency"), cancelled, carried=_carried(order)))
    return tuple(found)


def _carried(order: Mapping[str, Any]) -> bool:
    """Whether the customer carried it all out of the shop: an order at the till that goes to no address.
    Shopify shows it as fulfilled like any other, and its articles as such that need shipping."""
    goes_somewhere = bool(order.get("shipping_address") or rows(order.get("shipping_lines")))
    return order.get("source_name") == "pos" and not goes_somewhere


def _line(item: Mapping[str, Any], line_id: str, currency: object, cancelled: Quantity, *, carried: bool) -> Line:
    return Line(
        id=line_id,
        name=first(item.get("title"), item.get("name")) or line_id,
        quantity=quantity(item.get("quantity")),
        sku=text(item.get("sku")),
        variant=text(item.get("variant_title")),
        price=amount(item, "price", currency),
        cancelled=cancelled,
        image_url=link(table(item.get("image")).get("url")),
        ships=not carried and item.get("requires_shipping") is not False and item.get("gift_card") is not True,
    )


def _refunded(order: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """(line id, what became of the goods) -> units."""
    units: Counter[tuple[str, str]] = Counter()
    for refund in rows(order.get("refunds")):
        for item in rows(refund.get("refund_line_items")):
            line_id = identity(item.get("line_item_id")) or ""
            units[line_id, fate(item, refund)] += int(quantity(item.get("quantity")))
    return units


def _sent(order: Mapping[str, Any]) -> Counter[str]:
    """Line id -> units that are in a fulfilment."""
    units: Counter[str] = Counter()
    for parcel in rows(order.get("fulfillments")):
        if raw_status(parcel.get("status")) in UNITS_GO:
            for item in rows(parcel.get("line_items")):
                units[identity(item.get("id")) or ""] += int(quantity(item.get("quantity")))
    return units


def _cancelled(item: Mapping[str, Any], fates: Mapping[str, int], sent: int) -> Quantity:
    """Units refunded before they left, or taken out of the order.

    `current_quantity` counts down for every unit removed or refunded; what came back, or was kept after
    it had been sent, explains a part of the difference, and the rest was never sent.
    """
    ordered = quantity(item.get("quantity"))
    cancelled: Quantity = fates.get("cancelled", 0)
    if number(item.get("current_quantity")) is not None:
        kept = fates.get("kept", 0) if sent else 0
        removed = ordered - quantity(item.get("current_quantity"))
        cancelled = max(cancelled, removed - fates.get("returned", 0) - kept)
    return max(0, min(cancelled, ordered))
