"""An order of Medusa -> OrderSeen, with the parcels, returns and refunds that it carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import (
    first,
    flag,
    identity,
    link,
    money,
    quantity,
    raw_status,
    rows,
    table,
    text,
)
from connectors.sources.medusa.money import payment, total
from connectors.sources.medusa.parcels import parcels
from connectors.sources.medusa.parties import orderer, payer, recipient
from connectors.sources.medusa.returns import backs
from connectors.sources.medusa.words import meaning, paid_version, payments, when
from engine.contracts import Delivery, OrderSeen, Reading, Ref, Unreadable
from engine.model.order import PAID, Line

ONLY_ONE = frozenset({"default", "default variant", "default title"})  # the variant of an article that has no choice


def order(source: Mapping[str, Any], delivery: Delivery, told: Mapping[str, Any]) -> Reading:
    """Everything that the snapshot says. `told`: fulfilment id -> `no_notification`, as an event has said it.
    Raises Unreadable for an order without id."""
    order_id = identity(source.get("id"))
    if order_id is None:
        raise Unreadable("the order has no id")
    status, unknown = meaning("orders", source.get("status"))
    if status == "draft" or flag(source.get("is_draft_order")):
        return Reading(ignored="a draft: nobody has ordered it yet")
    as_of = paid_version(source) or delivery.received_at
    paid, unmapped = payment(source)
    captured = [at for one in payments(source) if (at := when(one, "captured_at"))]
    seen = OrderSeen(
        ref=Ref(order_id=order_id, order_number=first(source.get("custom_display_id"), source.get("display_id"))),
        as_of=as_of,
        placed_at=when(source, "created_at"),
        payment=paid,
        paid_at=max(captured) if captured and paid in PAID else None,
        cancelled_at=(when(source, "canceled_at") or as_of) if status == "cancelled" else None,
        lines=_lines(source),
        orderer=orderer(source, delivery.config.get("locale")),
        recipient=recipient(source, delivery.config.get("locale")),
        payer=payer(source, delivery.config.get("locale")),
        total=total(source),
        silent=flag(source.get("no_notification")) or None,  # false is what Medusa writes when nobody has said anything
    )
    sent, unsent = parcels(source, as_of, told)
    returned, odd = backs(source, as_of)
    raw = dict.fromkeys((*unknown, *unmapped, *unsent, *odd))
    return Reading(observations=(seen, *sent, *returned), unmapped=tuple(raw))


def _lines(source: Mapping[str, Any]) -> tuple[Line, ...] | None:
    """The order's lines; None when the payload has none at all. Lines without id are left out."""
    if not isinstance(source.get("items"), list):
        return None
    return tuple(
        Line(
            id=line_id,
            name=first(item.get("product_title"), item.get("title")) or line_id,
            quantity=quantity(first(item.get("quantity"), table(item.get("detail")).get("quantity"))),
            sku=first(item.get("variant_sku"), table(item.get("variant")).get("sku")),
            variant=_variant(item),
            price=money(item.get("unit_price"), source.get("currency_code")),
            cancelled=quantity(table(item.get("detail")).get("written_off_quantity")),
            ships=item.get("requires_shipping") is not False and item.get("is_giftcard") is not True,
            image_url=link(item.get("thumbnail")),
        )
        for item in rows(source["items"])
        if (line_id := identity(item.get("id")))
    )


def _variant(item: Mapping[str, Any]) -> str | None:
    name = text(item.get("variant_title"))
    return None if name is None or raw_status(name) in ONLY_ONE else name
