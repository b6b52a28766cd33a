"""An order of STORES -> OrderSeen, with its parcels and refunds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import identity, quantity, rows, text, yen
from connectors.sources.stores.arrivals import leaves_by
from connectors.sources.stores.money import payment, refunds, total
from connectors.sources.stores.parcels import parcels
from connectors.sources.stores.parties import orderer, recipient
from connectors.sources.stores.words import as_of, kind, named, unknown_kinds, when
from engine.contracts import Delivery, OrderSeen, Reading, Ref, Unreadable
from engine.model.order import PAID, Line, Payment
from engine.model.returns import Goods

Deliveries = Sequence[Mapping[str, Any]]


def order(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without id."""
    order_id = named(source)
    if order_id is None:
        raise Unreadable("the order has no id")
    deliveries = rows(source.get("deliveries"))
    cancelled_at = _cancelled_at(deliveries)
    paid, paid_at = payment(source, cancelled=cancelled_at is not None)
    at = as_of(source, delivery)
    mails = delivery.config.get("own_mails") != "no" and text(source.get("email")) is not None
    sent_to = [one for one in deliveries if kind(one) == "parcel"]
    seen = OrderSeen(
        ref=Ref(order_id=order_id, order_number=text(source.get("number"))),
        as_of=at,
        placed_at=when(source, "ordered_at"),
        payment=paid,
        paid_at=paid_at,
        ships_on=max(filter(None, map(leaves_by, sent_to)), default=None),
        cancelled_at=cancelled_at,
        lines=_lines(source),
        orderer=orderer(source),
        recipient=recipient(sent_to[0]) if sent_to else None,
        total=total(source),
        source_notified=_mailed(paid) if mails else (),
    )
    sent = parcels(source, order_id, at, mails=mails)
    back = refunds(source, order_id, at, _fate(deliveries))
    return Reading(observations=(seen, *sent, *back), unmapped=unknown_kinds(source))


def _cancelled_at(deliveries: Deliveries) -> datetime | None:
    """When the last of it was cancelled, and nothing had left: what is paid back after dispatch is a refund."""
    times = [when(one, "canceled_at") for one in deliveries]
    if not times or None in times or any(when(one, "shipped_at") for one in deliveries):
        return None
    return max(filter(None, times))


def _fate(deliveries: Deliveries) -> Goods:
    """What became of the goods that were paid back: they never left where a delivery was cancelled before it did. Of
    others it is not told, and the customer is taken to keep them."""
    recalled = any(when(one, "canceled_at") and when(one, "shipped_at") for one in deliveries)
    return "cancelled" if any(map(_called_off, deliveries)) and not recalled else "kept"


def _mailed(paid: Payment | None) -> tuple[str, ...]:
    """STORES writes to the buyer when the order comes, and when a payment that was awaited has come."""
    return ("order.confirmed", "order.created") if paid in PAID else ("order.created",)


def _lines(source: Mapping[str, Any]) -> tuple[Line, ...] | None:
    """The articles of all deliveries. What a delivery was to bring that was cancelled unsent will not be sent."""
    if not isinstance(source.get("deliveries"), list):
        return None
    return tuple(
        Line(
            id=line_id,
            name=text(item.get("name")) or line_id,
            quantity=quantity(item.get("quantity")),
            sku=text(item.get("code")) or text(item.get("barcode")),
            variant=text(item.get("variation_name")),
            price=yen(item.get("regular_price")),
            cancelled=quantity(item.get("quantity")) if _called_off(one) else 0,
            ships=kind(one) == "parcel",
        )
        for one in rows(source["deliveries"])
        for item in rows(one.get("items"))
        if (line_id := identity(item.get("id")))
    )


def _called_off(one: Mapping[str, Any]) -> bool:
    return when(one, "canceled_at") is not None and when(one, "shipped_at") is None
