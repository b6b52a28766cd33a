"""An order of Shopify -> OrderSeen, with the parcels and refunds that it carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from connectors.parts.values.loose import flag, plain, rows, text
from connectors.sources.shopify.lines import lines
from connectors.sources.shopify.parties import orderer, payer, recipient
from connectors.sources.shopify.refunds import paid_back, refund, taken_back
from connectors.sources.shopify.returns import return_
from connectors.sources.shopify.shipments import carrier_event, count_parcels, fulfillment
from connectors.sources.shopify.words import amount, first_moment, meaning, named
from engine.contracts import OrderSeen, Reading, Ref
from engine.model.order import PAID, Money, Payment


def order(source: Mapping[str, Any], topic: str, received_at: datetime) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without id."""
    order_id = named(source, "id", "order")
    payment, unmapped = _payment(source)
    paid_at = None
    if topic == "orders/paid" and payment in PAID:  # only then is the change the payment
        paid_at = first_moment(source, "updated_at", "processed_at")
    seen = OrderSeen(
        ref=Ref(order_id=order_id, order_number=text(source.get("name"))),
        as_of=first_moment(source, "updated_at", "created_at") or received_at,
        # processed_at is the date the shop shows; an imported order was created long after it
        placed_at=first_moment(source, "processed_at", "created_at"),
        payment=payment,
        paid_at=paid_at,
        allocated=_allocated(source),
        cancelled_at=first_moment(source, "cancelled_at"),
        cancel_reason=text(source.get("cancel_reason")),
        lines=lines(source),
        orderer=orderer(source),
        recipient=recipient(source),
        payer=payer(source),
        total=_total(source),
        test=flag(source.get("test")),
    )
    parts = [*_parcels(source, order_id, received_at), *_refunds(source, order_id, received_at)]
    return Reading(
        observations=(seen, *(one for part in parts for one in part.observations)),
        unmapped=tuple(dict.fromkeys([*unmapped, *(raw for part in parts for raw in part.unmapped)])),
    )


def polled(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """An order that was polled: it brings its parcels' carrier events and its returns along."""
    parts = [order(source, "", received_at)]
    for parcel in rows(source.get("fulfillments")):
        parts += [carrier_event(one, received_at) for one in rows(parcel.get("events"))]
    parts += [return_(one, received_at) for one in rows(source.get("returns"))]
    return Reading(
        observations=tuple(one for part in parts for one in part.observations),
        unmapped=tuple(dict.fromkeys(raw for part in parts for raw in part.unmapped)),
    )


def _payment(source: Mapping[str, Any]) -> tuple[Payment | None, tuple[str, ...]]:
    """Cash on delivery counts as paid: nothing is outstanding before the parcel leaves, and the customer
    wants to hear that the order stands."""
    fields, unmapped = meaning("payments", source.get("financial_status"))
    payment = fields.get("status")
    gateways = source.get("payment_gateway_names")
    if payment == "pending" and isinstance(gateways, list) and gateways:
        known = [meaning("gateways", gateway)[0].get("status") for gateway in gateways]
        if all(kind == "on_delivery" for kind in known):
            payment = "paid"
    return cast(Payment | None, payment), unmapped


def _total(source: Mapping[str, Any]) -> Money | None:
    """What the order comes to after edits and before refunds, as the customer saw it.

    `current_total_price` follows edits and refunds alike, `total_price` neither; so what was paid back is
    added again, unless what was taken back explains the difference: then nothing was edited. A cancelled order keeps
    what it was worth.
    """
    currency = source.get("currency")
    first, now = amount(source, "total_price", currency), amount(source, "current_total_price", currency)
    if now is None or source.get("cancelled_at"):
        return first
    if first is not None and Decimal(first.amount) - Decimal(now.amount) in (0, taken_back(source)):
        return first
    back = [sums for one in rows(source.get("refunds")) for done, sums in [paid_back(one, currency)] if done]
    if any(one is None or one.currency != now.currency for one in back):
        return first
    total = sum((Decimal(one.amount) for one in back if one), Decimal(now.amount))
    return Money(amount=plain(total), currency=now.currency)


def _allocated(source: Mapping[str, Any]) -> bool | None:
    """`confirmed` says that stock is reserved; what has been sent out was in stock in any case.

    https://shopify.dev/docs/api/admin-graphql/latest/objects/Order: "whether inventory has been reserved".
    """
    if source.get("fulfillment_status") in ("fulfilled", "partial"):
        return True
    return flag(source.get("confirmed"))


def _parcels(source: Mapping[str, Any], order_id: str, received_at: datetime) -> list[Reading]:
    parcels = [{**one, "order_id": order_id} for one in rows(source.get("fulfillments"))]
    total = count_parcels(parcels) if source.get("fulfillment_status") == "fulfilled" else None
    return [fulfillment(one, received_at, siblings=total) for one in parcels]


def _refunds(source: Mapping[str, Any], order_id: str, received_at: datetime) -> list[Reading]:
    return [
        refund({**one, "order_id": order_id}, received_at, source.get("currency"))
        for one in rows(source.get("refunds"))
    ]
