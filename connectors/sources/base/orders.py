"""An order of BASE -> OrderSeen, with its parcels. https://docs.thebase.in/docs/api/orders/detail"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from connectors.parts.values.loose import first, identity, quantity, raw_status, rows, text, yen
from connectors.parts.values.times import from_unix
from connectors.sources.base.parcels import arrived, parcels
from connectors.sources.base.parties import orderer, recipient
from connectors.sources.base.words import MAP, item_status, last_change, status_of, transaction
from engine.contracts import Delivery, OrderSeen, Reading, Ref, Unreadable
from engine.model.order import PAID, Line, Payment


def order(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without key."""
    key = identity(source.get("unique_key"))
    if key is None:
        raise Unreadable("the order has no unique_key")
    said, unknown = status_of(source)
    money, strange = transaction(source)
    as_of = last_change(source) or delivery.received_at
    mails = delivery.config.get("own_mails") != "no"
    payment = _payment(said, money)
    seen = OrderSeen(
        ref=Ref(order_id=key, order_number=key),
        as_of=as_of,
        placed_at=from_unix(source.get("ordered")),
        payment=payment,
        allocated=True if "allocated" in said else None,
        cancelled_at=(from_unix(source.get("cancelled")) or as_of) if "cancelled" in said else None,
        lines=_lines(source),
        orderer=orderer(source),
        recipient=recipient(source),
        total=yen(source.get("total")),
        source_notified=_mailed(payment) if mails else (),
    )
    sent = parcels(source, key, as_of, shipped="shipped" in said, mailed=True if mails else None)
    came = (arrived(source, key, as_of),) if sent and "arrived" in money else ()
    unmapped = dict.fromkeys((*unknown, *strange, *_unknown_of_items(source)))
    return Reading(observations=(seen, *sent, *came), unmapped=tuple(unmapped))


def _payment(said: Mapping[str, str], money: Mapping[str, str]) -> Payment | None:
    """The means of payment has a status of its own, which is closer. A sum that is reserved, and one that is paid on or
    after delivery, count as paid: nothing is outstanding before the parcel leaves."""
    if said.get("payment") == "pending":
        return "pending"
    return cast(Payment | None, money.get("payment") or said.get("payment"))


def _mailed(payment: Payment | None) -> tuple[str, ...]:
    """BASE writes to every buyer when the order comes and when its payment has come, and nobody can switch that off."""
    return ("order.confirmed", "order.created") if payment in PAID else ("order.created",)


def _lines(source: Mapping[str, Any]) -> tuple[Line, ...] | None:
    """The order's articles; None in the list of orders, which has none."""
    if not isinstance(source.get("order_items"), list):
        return None
    return tuple(
        Line(
            id=line_id,
            name=text(item.get("title")) or line_id,
            quantity=quantity(item.get("amount")),
            sku=first(*(item.get(name) for name in ("variation_identifier", "item_identifier", "identifier"))),
            variant=text(item.get("variation")),
            price=yen(item.get("price")),
            cancelled=quantity(item.get("amount")) if item_status(item) == "cancelled" else 0,
        )
        for item in rows(source["order_items"])
        if (line_id := identity(item.get("order_item_id")))
    )


def _unknown_of_items(source: Mapping[str, Any]) -> list[str]:
    found = [raw_status(item.get("status")) for item in rows(source.get("order_items"))]
    return [raw for raw in found if raw and raw not in MAP["items"]]
