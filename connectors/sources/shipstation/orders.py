"""An order of ShipStation V1 -> OrderSeen. Its parcels come by themselves, as shipments and fulfilments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from msgspec.structs import replace

from connectors.parts.bodies.statusmap import meaning
from connectors.parts.values import days
from connectors.parts.values.loose import flag, identity, link, money, number, quantity, rows, table, text
from connectors.sources.shipstation.words import MAP, ZONE, day_of, person, when
from engine.contracts import Observation, OrderSeen, Reading, Ref, ShipmentSeen, Unreadable
from engine.model.customer import Party
from engine.model.order import Line, Money, Payment


@dataclass(frozen=True)
class Shop:
    """What a connection adds to the record: the currency of amounts and when the record arrived."""

    currency: str
    received_at: datetime


def order(source: Mapping[str, Any], shop: Shop) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without orderId and orderNumber."""
    ref = Ref(order_id=identity(source.get("orderId")), order_number=text(source.get("orderNumber")))
    if ref == Ref():
        raise Unreadable("the order has neither orderId nor orderNumber")
    status, unmapped = meaning(MAP["orders"], source.get("orderStatus"))
    as_of = when(source, "modifyDate", "createDate") or shop.received_at
    payment = _payment(source, status)
    seen = OrderSeen(
        ref=ref,
        as_of=as_of,
        placed_at=when(source, "orderDate", "createDate"),
        payment=payment,
        paid_at=when(source, "paymentDate") if payment == "paid" else None,
        on_hold="hold" in status if status else None,
        ships_on=days.day(source.get("shipByDate"), ZONE),
        cancelled_at=as_of if "cancelled" in status and not _merged(source) else None,
        lines=_lines(source, shop.currency),
        orderer=_orderer(source),
        recipient=person(table(source.get("shipTo"))),
        payer=person(table(source.get("billTo"))),
        total=_amount(source.get("orderTotal"), shop.currency),
    )
    return Reading(observations=(seen, *_elsewhere(source, ref, status, as_of)), unmapped=unmapped)


def _payment(source: Mapping[str, Any], status: Mapping[str, str]) -> Payment | None:
    """`paymentDate` is there once money has come; an order on hold or cancelled tells by it alone."""
    if when(source, "paymentDate"):
        return "paid"
    return cast(Payment | None, status.get("payment"))


def _merged(source: Mapping[str, Any]) -> bool:
    """Was the order put into another one? It is closed then, and the customer still gets everything."""
    options = table(source.get("advancedOptions"))
    return flag(options.get("mergedOrSplit")) is True and identity(options.get("parentId")) is not None


def _orderer(source: Mapping[str, Any]) -> Party | None:
    billed = person(table(source.get("billTo"))) or Party()
    party = replace(
        billed, email=text(source.get("customerEmail")), customer_id=identity(source.get("customerId")), address=None
    )
    return None if party == Party() else party


def _lines(source: Mapping[str, Any], currency: str) -> tuple[Line, ...] | None:
    """The articles; discounts and fees stand among them as adjustments, which nobody packs."""
    if not isinstance(source.get("items"), list):
        return None
    return tuple(
        Line(
            id=line_id,
            name=text(item.get("name")) or text(item.get("sku")) or line_id,
            quantity=quantity(item.get("quantity")),
            sku=text(item.get("sku")),
            variant=_variant(item),
            price=_amount(item.get("unitPrice"), currency),
            image_url=link(item.get("imageUrl")),
        )
        for item in rows(source["items"])
        if item.get("adjustment") is not True
        and (line_id := identity(item.get("orderItemId")) or text(item.get("lineItemKey")))
    )


def _variant(item: Mapping[str, Any]) -> str | None:
    return ", ".join(value for option in rows(item.get("options")) if (value := text(option.get("value")))) or None


def _amount(value: object, currency: str) -> Money | None:
    return money(value, currency) if number(value) is not None else None


def _elsewhere(
    source: Mapping[str, Any], ref: Ref, status: Mapping[str, str], as_of: datetime
) -> tuple[Observation, ...]:
    """What a marketplace sent itself has no shipment in ShipStation: one parcel of unknown contents."""
    if "shipped" not in status or source.get("externallyFulfilled") is not True or ref.order_id is None:
        return ()
    left = days.happened(day_of(source, "shipDate"), ZONE, as_of) or as_of
    parcel = Ref(order_id=ref.order_id, order_number=ref.order_number, shipment_id=f"order-{ref.order_id}")
    return (ShipmentSeen(ref=parcel, as_of=as_of, dispatched_at=left),)
