"""An order of Magento -> OrderSeen, with its shipments and credit memos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.parts.values.loose import identity, number, raw_status, rows, table, text
from connectors.sources.adobe_commerce.lines import lines, sent_whole
from connectors.sources.adobe_commerce.memos import memo
from connectors.sources.adobe_commerce.parcels import count, shipment
from connectors.sources.adobe_commerce.parties import orderer, payer, recipient
from connectors.sources.adobe_commerce.words import amount, changed, meaning, positive, when
from engine.contracts import Delivery, OrderSeen, Reading, Ref, Unreadable
from engine.model.order import Payment

CASH = frozenset({"cashondelivery", "cod", "phoenix_cashondelivery", "msp_cashondelivery"})
Records = Sequence[Mapping[str, Any]]


def order(source: Mapping[str, Any], delivery: Delivery, shipments: Records, memos: Records) -> Reading:
    """Everything that the order says. Raises Unreadable for one without id."""
    order_id = identity(source.get("entity_id"))
    if order_id is None:
        raise Unreadable("the order has no entity_id")
    state, unmapped = meaning("orders", source.get("state"))
    as_of = changed(source) or delivery.received_at
    locale = delivery.config.get("locale")
    seen = OrderSeen(
        ref=Ref(order_id=order_id, order_number=text(source.get("increment_id"))),
        as_of=as_of,
        placed_at=when(source, "created_at"),
        payment=_payment(source, state),
        allocated=_allocated(source),
        on_hold=state == "held" if state else None,
        cancelled_at=as_of if state == "cancelled" else None,
        lines=lines(source),
        orderer=orderer(source, locale),
        recipient=recipient(source, locale),
        payer=payer(source, locale),
        total=amount(source.get("grand_total"), source.get("order_currency_code")),
        source_notified=_notified(source, memos),
    )
    siblings = count(shipments) if sent_whole(source) else None
    parts = [shipment(one, as_of, source, siblings) for one in shipments]
    parts += [memo(one, as_of, source) for one in memos]
    return Reading(
        observations=(seen, *(one for part in parts for one in part.observations)),
        unmapped=tuple(dict.fromkeys([*unmapped, *(raw for part in parts for raw in part.unmapped)])),
    )


def _payment(source: Mapping[str, Any], state: str | None) -> Payment | None:
    """From the sums: Magento has no status of the payment. Cash on delivery counts as paid, since nothing is
    outstanding before the parcel leaves and the customer wants to hear that the order stands."""
    total, paid, back = (number(source.get(key)) for key in ("grand_total", "total_paid", "total_refunded"))
    if total is None and paid is None:
        return None
    total, paid, back = total or Decimal(0), paid or Decimal(0), back or Decimal(0)
    if back > 0:
        return "refunded" if back >= paid else "partially_refunded"
    if paid > 0 and paid >= total - (number(source.get("total_canceled")) or Decimal(0)):
        return "paid"
    if state in ("cancelled", "unpaid"):
        return "voided" if state == "cancelled" else "pending"
    method = raw_status(table(source.get("payment")).get("method"))
    if method in CASH or (total == 0 and method == "free"):
        return "paid"
    held = number(table(source.get("payment")).get("amount_authorized"))
    return "authorized" if held and held >= total and paid == 0 else "pending"


def _allocated(source: Mapping[str, Any]) -> bool | None:
    """False while an article that is not sent yet is on back order; Magento says nothing else of stock."""
    waiting = [
        one
        for one in rows(source.get("items"))
        if positive(one.get("qty_backordered")) and not positive(one.get("qty_shipped"))
    ]
    return False if waiting else None


def _notified(source: Mapping[str, Any], memos: Records) -> tuple[str, ...]:
    """What Magento has mailed. Its order mail leaves when the order is placed, and says that it stands."""
    told: list[str] = ["order.created", "order.confirmed"] if (source.get("email_sent")) else []
    if any((one.get("email_sent")) for one in memos):
        told += ["order.refunded", "order.partially_refunded"]
    return tuple(told)
