"""An order of Amazon, of either version of the Orders API -> OrderSeen with its parcels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from connectors.parts.values.loose import (
    first,
    identity,
    money,
    number,
    plain,
    quantity,
    raw_status,
    rounded,
    rows,
    table,
)
from connectors.parts.values.times import zone_named
from connectors.sources.amazon.parcels import packages, unpacked
from connectors.sources.amazon.parties import orderer, recipient
from connectors.sources.amazon.words import Record, amount, meaning, order_id, when, window, zone
from engine.contracts import Delivery, OrderSeen, Reading, Ref, Unreadable
from engine.model.order import Line, Money, Payment

# Amazon itself writes to its buyers about all of this, and cannot be told not to.
WRITTEN = ("order.created", "order.confirmed", "order.cancelled", "order.refunded", "order.partially_refunded")


def order(source: Record, delivery: Delivery) -> Reading:
    """Everything that the order says. Raises Unreadable for one without id."""
    named = order_id(source)
    if named is None:
        raise Unreadable("the order has no id")
    told = table(source.get("fulfillment"))
    state, unmapped = meaning("orders", first(told.get("fulfillmentstatus"), source.get("orderstatus")))
    as_of = when(source, "lastupdatedtime", "lastupdatedate") or delivery.received_at
    ref, theirs = Ref(order_id=named, order_number=named), _sold_on_amazon(source)
    if not theirs:
        # The shop that sold it tells of the order, and may write to its customer: Amazon only sends its parcels.
        ref = Ref(order_number=_alias(source))
        if ref == Ref():
            return Reading(ignored="an order of another shop, without that shop's number")
    seen = OrderSeen(
        ref=ref,
        as_of=as_of,
        placed_at=when(source, "createdtime", "purchasedate"),
        payment=_payment(state),
        on_hold=("held" in state) if state else None,
        ships_on=_ships_on(source, zone(delivery)),
        cancelled_at=as_of if "cancelled" in state else None,
        cancel_reason=_cancel_reason(source) if "cancelled" in state else None,
        lines=_lines(source),
        orderer=orderer(source),
        recipient=recipient(source),
        total=amount(table(source.get("proceeds")), "grandtotal") or amount(source, "ordertotal"),
        source_notified=WRITTEN,
    )
    whole = state.get("sent") == "all"
    sent, unknown = packages(source, ref, named, as_of, whole=whole, theirs=theirs)
    if not sent and "sent" in state:
        sent = unpacked(source, ref, named, as_of, whole=whole, theirs=theirs)
    raw = tuple(dict.fromkeys((*unmapped, *unknown)))
    every = (seen, *sent) if theirs else sent
    return Reading(observations=every, unmapped=raw, ignored=None if every or raw else "nothing has left yet")


def _alias(source: Record) -> str | None:
    """The number that the seller has given the order."""
    aliases = rows(source.get("orderaliases"))
    own = [one.get("aliasid") for one in aliases if raw_status(one.get("aliastype")) == "seller_order_id"]
    return first(*own, source.get("sellerorderid"))


def _sold_on_amazon(source: Record) -> bool:
    channel = raw_status(first(table(source.get("saleschannel")).get("channelname"), source.get("saleschannel")))
    return channel is None or channel.startswith("amazon")


def _payment(state: Mapping[str, str]) -> Payment | None:
    known: dict[str, Payment] = {"pending": "pending", "paid": "paid"}
    return known.get(state.get("payment", ""))


def _ships_on(source: Record, local: str) -> date | None:
    """The last day on which it has to leave."""
    until = when(window(table(source.get("fulfillment")), "shipbywindow"), "latestdatetime")
    until = until or when(source, "latestshipdate")
    return until.astimezone(zone_named(local)).date() if until else None


def _cancel_reason(source: Record) -> str | None:
    done = [
        table(table(one.get("cancellation")).get("cancellationexecution")) for one in rows(source.get("orderitems"))
    ]
    return next((said for one in done if (said := first(one.get("cancelreason")))), None)


def _lines(source: Record) -> tuple[Line, ...] | None:
    """The order's items; None when the answer has none, as the older API answers them apart, or shows only what the
    buyer wrote about them (getOrderItemsBuyerInfo)."""
    if not any({"quantityordered", "quantity"} & item.keys() for item in rows(source.get("orderitems"))):
        return () if source.get("orderitems") == [] else None
    found = []
    for item in rows(source["orderitems"]):
        product = table(item.get("product"))
        line_id = identity(item.get("orderitemid"))
        if line_id is None:
            continue
        sku = first(product.get("sellersku"), item.get("sellersku"))
        found.append(
            Line(
                id=line_id,
                name=first(product.get("title"), item.get("title"), sku) or line_id,
                quantity=quantity(first(item.get("quantityordered"), item.get("quantity"))),
                sku=sku,
                price=amount(table(product.get("price")), "unitprice") or _share(item),
                cancelled=quantity(plain(_cancelled(item))),
            )
        )
    return tuple(found)


def _share(item: Record) -> Money | None:
    """The older API tells the price of all units of an item together."""
    whole, units = table(item.get("itemprice")), number(item.get("quantityordered"))
    price, currency = number(whole.get("amount")), whole.get("currencycode")
    return money(plain(rounded(price / units, currency)), currency) if price is not None and units else None


def _cancelled(item: Record) -> Decimal:
    """Units of an item that somebody has cancelled, as far as they have not left."""
    if not table(table(item.get("cancellation")).get("cancellationexecution")):
        return Decimal(0)
    sent = number(table(item.get("fulfillment")).get("quantityfulfilled")) or Decimal(0)
    return max(Decimal(0), (number(item.get("quantityordered")) or Decimal(0)) - sent)


def moved(source: Record) -> datetime | None:
    """When the order last changed; it names the state of the order, whichever way that comes."""
    return when(source, "lastupdatedtime", "lastupdatedate")
