"""The slips of one order -> OrderSeen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

from connectors.parts.values import days
from connectors.parts.values.loose import number, plain, quantity, text, yen
from connectors.sources.next_engine.lines import lines, merged_from
from connectors.sources.next_engine.parties import orderer, recipient
from connectors.sources.next_engine.slips import Order, Slip
from connectors.sources.next_engine.words import BASE, MAP, ROW, ZONE, Fields, meaning, on
from engine.contracts import OrderSeen, Ref
from engine.model.order import Money, Payment


def order_seen(order: Order, others: Collection[str]) -> OrderSeen:
    """What the slips say together; `others` are slips of other orders that were merged into them. An order whose
    slips were all merged into another's goes on there: here it is neither cancelled nor changed."""
    first = order.slips[0].fields
    live = [slip for slip in order.slips if not slip.merged]
    return OrderSeen(
        ref=ref(order),
        as_of=max(slip.changed_at for slip in order.slips),
        placed_at=days.at(first.get(BASE + "date"), ZONE),
        payment=_payment(order.slips[0]),
        paid_at=_paid_at(first),
        allocated=_allocated(live),
        on_hold=_on_hold(live),
        ships_on=days.day(first.get(BASE + "send_plan_date"), ZONE),
        cancelled_at=_cancelled_at(live),
        cancel_reason=_cancel_reason(live),
        lines=lines(order, others),
        orderer=orderer(first),
        recipient=recipient(first),
        total=_total(order, live, others),
    )


def ref(order: Order) -> Ref:
    """How the order is called: by its first slip, and by the shop's number."""
    return Ref(order_id=order.root, order_number=order.number)


def given_up(slip: Slip) -> str | None:
    """Why the slip will not be sent; None while it will be, and when it has come back."""
    said = _cancel(slip)
    if not dispatched(slip):
        return said.get("cancelled") or said.get("returned") or said.get("home")
    return said.get("cancelled")


def dispatched(slip: Slip) -> bool:
    """Has the warehouse confirmed that it was sent (出荷確定)?"""
    return "dispatched" in _status(slip.fields)


def unmapped(slip: Slip) -> tuple[str, ...]:
    """The codes of the slip that status_map.yaml does not know."""
    sections = {"statuses": "order_status_id", "cancels": "cancel_type_id", "deposits": "deposit_type_id"}
    return tuple(raw for section, name in sections.items() for raw in meaning(section, slip.fields.get(BASE + name))[1])


def _status(fields: Fields) -> Fields:
    return meaning("statuses", fields.get(BASE + "order_status_id"))[0]


def _cancel(slip: Slip) -> Fields:
    return meaning("cancels", slip.fields.get(BASE + "cancel_type_id"))[0]


def _payment(first: Slip) -> Payment | None:
    """Paid is also what has left the wait for payment behind (a card that was charged stays 未入金 in many shops),
    and what is paid on delivery or later: nothing is outstanding before the parcel leaves. Of an order that was given
    up only a payment itself is told."""
    deposit = meaning("deposits", first.fields.get(BASE + "deposit_type_id"))[0].get("status")
    why = given_up(first)
    if why == "declined":
        return "failed"
    after = (text(first.fields.get(BASE + "payment_method_id")) or "") in MAP["methods"]
    if why is None and ("ready" in _status(first.fields) or after):
        return "paid"
    return cast(Payment | None, deposit)


def _paid_at(first: Fields) -> datetime | None:
    """The day of payment, mostly without a time: its first moment, but not before the order was placed."""
    deposit = meaning("deposits", first.get(BASE + "deposit_type_id"))[0].get("status")
    at = days.at(first.get(BASE + "deposit_date"), ZONE)
    if deposit != "paid" or at is None:
        return None
    placed = days.at(first.get(BASE + "date"), ZONE)
    return max(at, placed) if placed and placed.date() == at.date() else at


def _on_hold(live: Sequence[Slip]) -> bool | None:
    if not any(text(slip.fields.get(BASE + "cancel_type_id")) for slip in live):
        return None
    return any("hold" in _cancel(slip) for slip in live)


def _allocated(live: Sequence[Slip]) -> bool | None:
    """Stock is reserved for what has left the waits behind; before that the rows tell how much of it is."""
    if not live:
        return None
    if all("ready" in _status(slip.fields) for slip in live):
        return True
    rows = [row for slip in live for row in slip.rows or () if not on(row, ROW + "cancel_flag")]
    name = ROW + "stock_allocation_quantity"
    if not rows or any(number(row.get(name)) is None for row in rows):
        return None
    return all(quantity(row.get(name)) >= quantity(row.get(ROW + "quantity")) for row in rows)


def _cancelled_at(live: Sequence[Slip]) -> datetime | None:
    """When the last of the slips was given up; None while one of them will be sent."""
    if not live or not all(given_up(slip) for slip in live):
        return None
    dates = [days.happened(slip.fields.get(BASE + "cancel_date"), ZONE, slip.changed_at) for slip in live]
    return max(date or slip.changed_at for date, slip in zip(dates, live, strict=True))


def _cancel_reason(live: Sequence[Slip]) -> str | None:
    return given_up(live[-1]) if _cancelled_at(live) else None


def _total(order: Order, live: Sequence[Slip], others: Collection[str]) -> Money | None:
    """Of all slips together: splitting moves amounts from one to the other, children of a delivery to several
    addresses have none. What was merged in from another order is in the amounts too, so then they say nothing."""
    mixed = any(merged_from(row) in others for slip in live for row in slip.rows or ())
    amounts = [number(slip.fields.get(BASE + "total_amount")) for slip in live]
    if not order.whole or not live or mixed or amounts[0] is None:
        return None
    return yen(plain(sum((amount for amount in amounts if amount is not None), Decimal(0))))
