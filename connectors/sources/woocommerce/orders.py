"""An order of WooCommerce -> OrderSeen, with the parcels and refunds that it shows.

The body is built when it is delivered, not when something happened, and order.updated comes for every
change: it says how the order stands now and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from connectors.parts.values.loose import (
    identity,
    link,
    money,
    number,
    plain,
    quantity,
    raw_status,
    rounded,
    rows,
    table,
    text,
)
from connectors.sources.woocommerce.parties import orderer, payer, recipient
from connectors.sources.woocommerce.refunds import refunds
from connectors.sources.woocommerce.trackings import parcels
from connectors.sources.woocommerce.words import MAP, slug_of, when, words, zone
from engine.contracts import Delivery, OrderSeen, Reading, Ref, Unreadable
from engine.model.order import Line, Money, Payment

PICKUP = frozenset({"local_pickup", "pickup_location"})  # the two of WooCommerce itself, older and newer checkout


def order(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without id."""
    order_id = identity(source.get("id"))
    if order_id is None:
        raise Unreadable("the order has no id")
    status = slug_of(source.get("status"))
    if status and status in MAP["ignored"]:
        return Reading(ignored=f"status {status}: {MAP['ignored'][status]['status']}")
    meaning = MAP["orders"].get(status or "", {})
    local = zone(delivery)
    as_of = when(source, "date_modified", local) or when(source, "date_created", local) or delivery.received_at
    seen = _order(source, delivery, order_id, meaning, as_of)
    completed_at = when(source, "date_completed", local)
    shipped_at = {"true": completed_at or as_of, "if_completed": completed_at}.get(meaning.get("shipped", ""))
    sent = parcels(source, Ref(order_id=order_id), as_of, shipped_at, local, partly="partial" in meaning)
    back = refunds(source, order_id, as_of, never_sent=status == "refunded" and not sent)
    unmapped = (status,) if status and not meaning else ()
    return Reading(observations=(seen, *sent, *back), unmapped=unmapped)


def _order(
    source: Mapping[str, Any], delivery: Delivery, order_id: str, meaning: Mapping[str, str], as_of: datetime
) -> OrderSeen:
    local, locale = zone(delivery), delivery.config.get("locale")
    paid_at = when(source, "date_paid", local)
    return OrderSeen(
        ref=Ref(order_id=order_id, order_number=text(source.get("number"))),
        as_of=as_of,
        placed_at=when(source, "date_created", local),
        payment=_payment(meaning, paid_at),
        paid_at=paid_at,
        allocated={"true": True, "false": False}.get(meaning.get("allocated", "")),
        # "on-hold" is the normal wait for a bank transfer; only a paid order is held back by it
        on_hold=("hold" in meaning and paid_at is not None) if meaning else None,
        cancelled_at=as_of if "cancelled" in meaning else None,
        lines=_lines(source),
        orderer=orderer(source, locale),
        recipient=recipient(source, locale),
        payer=payer(source, locale),
        total=money(source.get("total"), source.get("currency")),
    )


def is_sent(source: Mapping[str, Any]) -> bool:
    """Whether the order's status says that it was sent."""
    return "shipped" in MAP["orders"].get(slug_of(source.get("status")) or "", {}) and _travels(source)


def _payment(meaning: Mapping[str, str], paid_at: datetime | None) -> Payment | None:
    """A stated date of payment outweighs "pending" (a paid order put on hold, a custom status).

    Cash on delivery stands as processing without a date: it counts as paid, since nothing is outstanding
    before the parcel leaves and the customer wants to hear that the order stands.
    """
    payment = meaning.get("payment")
    if paid_at and payment in (None, "pending"):
        return "paid"
    return cast(Payment | None, payment)


def _lines(source: Mapping[str, Any]) -> tuple[Line, ...] | None:
    """The order's lines; None when the payload has none at all. Lines without id are left out."""
    if not isinstance(source.get("line_items"), list):
        return None
    travels = _travels(source)
    return tuple(
        Line(
            id=line_id,
            name=words(item.get("name")) or line_id,
            quantity=quantity(item.get("quantity")),
            sku=text(item.get("sku")),
            price=_price(item, source),
            image_url=link(table(item.get("image")).get("src")),
            ships=travels,
        )
        for item in rows(source["line_items"])
        if (line_id := identity(item.get("id")))
    )


def _travels(source: Mapping[str, Any]) -> bool:
    """False for nothing but downloads, which WooCommerce completes the moment they are paid, and for what the
    customer fetches from the shop; "completed" is no dispatch then."""
    methods = [raw_status(line.get("method_id")) for line in rows(source.get("shipping_lines"))]
    fetched = bool(methods) and all(method in PICKUP for method in methods)
    return source.get("needs_processing") is not False and not fetched


def _price(item: Mapping[str, Any], source: Mapping[str, Any]) -> Money | None:
    """Of one unit. `price` is without tax; a shop that shows prices with tax gets it added again."""
    currency = source.get("currency")
    total, tax, units = (number(item.get(key)) for key in ("total", "total_tax", "quantity"))
    if source.get("prices_include_tax") is True and total is not None and units:
        return money(plain(rounded((total + (tax or Decimal(0))) / units, currency)), currency)
    return money(item.get("price"), currency)
