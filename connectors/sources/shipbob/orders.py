"""An order of ShipBob -> OrderSeen, with its shipments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from connectors.parts.values.loose import first, identity, money, number, quantity, rows, table, text
from connectors.sources.shipbob.parcels import Context, has_left, product_id, shipment, state_of, trackings
from connectors.sources.shipbob.parties import orderer, recipient
from connectors.sources.shipbob.words import latest, meaning, when
from engine.contracts import OrderSeen, Reading, Ref, Unreadable
from engine.model.order import Line, Money

CURRENCY = "USD"  # Orders.Financials: "Sum of all line item prices, discounts, and taxes in USD"
AWAITED = "awaitinginventoryallocation"


def order(source: Mapping[str, Any], context: Context) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without any name."""
    ref = Ref(
        order_id=identity(source.get("id")) or identity(source.get("order_id")),
        order_number=first(source.get("order_number"), source.get("reference_id")),
    )
    if ref == Ref():
        raise Unreadable("the order has neither id nor order_number")
    parcels = rows(source.get("shipments"))
    status, unmapped = meaning("orders", source.get("status"))
    as_of = _as_of(source, parcels) or context.received_at
    seen = OrderSeen(
        ref=ref,
        as_of=as_of,
        placed_at=when(source, "purchase_date", "created_date"),
        allocated=_allocated(parcels),
        on_hold=any(state_of(one) == "held" for one in parcels) if parcels else None,
        ships_on=_ships_on(parcels),
        cancelled_at=as_of if status.get("status") == "cancelled" else None,
        lines=lines(source, parcels),
        orderer=orderer(source),
        recipient=recipient(source),
        total=_amount(table(source.get("financials")).get("total_price")),
    )
    context = replace(context, order=ref)
    if status.get("status") == "complete":
        gone = [max(1, len(trackings(one))) for one in parcels if has_left(one, context)]
        context = replace(context, siblings=sum(gone) or None)
    told = [shipment({**one, "order_id": ref.order_id}, context) for one in parcels]
    return Reading(
        observations=(seen, *(one for part in told for one in part.observations)),
        unmapped=tuple(dict.fromkeys([*unmapped, *(raw for part in told for raw in part.unmapped)])),
    )


def stopped(source: Mapping[str, Any], received_at: datetime) -> OrderSeen | None:
    """What a single shipment says of its order: the stock is missing, or somebody has stopped it."""
    state = state_of(source)
    order_id = identity(source.get("order_id"))  # beside it, reference_id would pass for the shop's number
    number_ = first(source.get("order_number"), None if order_id else source.get("reference_id"))
    ref = Ref(order_id=order_id, order_number=number_)
    if state not in ("held", "exception") or ref == Ref():
        return None
    as_of = latest(source, "last_update_at", "event_time") or received_at
    held = state == "held"
    return OrderSeen(ref=ref, as_of=as_of, on_hold=held or None, allocated=None if held else False)


def lines(source: Mapping[str, Any], parcels: list[Mapping[str, Any]]) -> tuple[Line, ...] | None:
    """The ordered products; their names stand in the shipments only. A product that is listed twice is one line."""
    names = {
        product_id(product): name
        for one in parcels
        for product in rows(one.get("products"))
        if (name := text(product.get("name")))
    }
    found: dict[str, Line] = {}
    for product in rows(source.get("products")):
        line_id = product_id(product)
        if line_id is None:
            continue
        before = found[line_id].quantity if line_id in found else 0
        sku = text(product.get("sku"))
        found[line_id] = Line(
            id=line_id,
            name=first(product.get("name"), names.get(line_id), sku, product.get("reference_id")) or line_id,
            quantity=before + quantity(product.get("quantity")),
            sku=sku,
            price=_amount(product.get("unit_price")),
        )
    return tuple(found.values()) or None


def _amount(value: object) -> Money | None:
    """Nobody has to tell ShipBob what an order was worth: then there stands 0."""
    return money(value, CURRENCY) if number(value) else None


def _as_of(source: Mapping[str, Any], parcels: list[Mapping[str, Any]]) -> datetime | None:
    """An order has no time of its last change; its shipments have."""
    changes = [at for one in parcels if (at := latest(one, "last_update_at", "last_tracking_update_at"))]
    own = latest(source, "last_update_at", "event_time", "created_date")
    return max([*changes, *([own] if own else [])], default=None)


def _allocated(parcels: list[Mapping[str, Any]]) -> bool | None:
    """Is the stock there? False as long as one shipment waits for it, None while there are no shipments."""
    open_ones = [one for one in parcels if state_of(one) != "cancelled"]
    if not open_ones:
        return None
    waiting = [
        one
        for one in open_ones
        if state_of(one) == "exception" or (text(one.get("estimated_fulfillment_date_status")) or "").lower() == AWAITED
    ]
    return not waiting


def _ships_on(parcels: list[Mapping[str, Any]]) -> date | None:
    """The day on which ShipBob means to hand over what has not left."""
    planned = [
        at.date() for one in parcels if state_of(one) == "waiting" and (at := when(one, "estimated_fulfillment_date"))
    ]
    return min(planned, default=None)
