"""An order of Saleor -> OrderSeen, with the parcels and refunds that it carries."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from connectors.parts.values.loose import flag, identity, number, rows, table, text
from connectors.parts.values.times import moment
from connectors.sources.saleor.groups import fate, groups, units_of
from connectors.sources.saleor.lines import lines
from connectors.sources.saleor.parcels import parcels
from connectors.sources.saleor.parties import orderer, payer, recipient
from connectors.sources.saleor.refunds import never_sent, paid_back, returns
from connectors.sources.saleor.telling import Telling, amount, currency_of, meaning
from engine.contracts import OrderSeen, Reading, Ref, Unreadable
from engine.model.order import PAID, Payment

# What an event says of the payment where the body says nothing.
PAID_BY: dict[str, Payment] = {"order_fully_paid": "paid", "order_fully_refunded": "refunded"}

# A refund of everything is told by two events, and either may be the later one. Where the body does not say how much
# went back, the one that means any part of it steps behind the other.
A_MOMENT = timedelta(seconds=5)


def order(telling: Telling) -> Reading:
    """Everything that the order says. Raises Unreadable when neither an order nor a fulfilment has an id."""
    source = telling.order
    ref = Ref(order_id=identity(source.get("id")), order_number=text(source.get("number")))
    if ref.order_id is None and ref.order_number is None:
        if identity(telling.group.get("id")) is None:
            raise Unreadable("the order has neither an id nor a number")
        return Reading(observations=tuple(parcels(telling, ref)), unmapped=_unmapped_groups(telling))
    state, unmapped = meaning("orders", source.get("status"))
    if state.get("status") == "draft":
        return Reading(ignored="a draft is no order yet")
    payment, unmapped_payment = _payment(telling)
    silent = payment is None and telling.topic == "order_refunded"
    status = state.get("status")
    seen = OrderSeen(
        ref=ref,
        as_of=telling.as_of - A_MOMENT if silent else telling.as_of,
        placed_at=moment(source.get("created")),
        payment="partially_refunded" if silent else payment,
        paid_at=_paid_at(telling) if payment in PAID else None,
        # an order that staff has yet to accept is not confirmed; stock is set aside when it is placed
        allocated={"unconfirmed": False, "accepted": True, "sent": True}.get(status or ""),
        cancelled_at=_cancelled_at(telling) if status in ("cancelled", "expired") else None,
        cancel_reason="expired" if status == "expired" else None,
        lines=lines(source, units_of(never_sent(telling))),
        orderer=orderer(source),
        recipient=recipient(source),
        payer=payer(source),
        total=amount(source, "total", currency_of(source)),
        source_notified=_mailed(telling),
    )
    return Reading(
        observations=(seen, *parcels(telling, ref), *returns(telling, ref)),
        unmapped=tuple(dict.fromkeys((*unmapped, *unmapped_payment, *_unmapped_groups(telling)))),
    )


def _payment(telling: Telling) -> tuple[Payment | None, tuple[str, ...]]:
    """Money that went back outweighs what is charged: after a refund Saleor counts the order as not charged."""
    charge, unmapped = _charged(telling)
    back = paid_back(telling)
    if back > 0:
        kept = number(table(telling.order.get("total_charged")).get("amount"))
        total = amount(telling.order, "total", currency_of(telling.order))
        all_of_it = kept == 0 if kept is not None else bool(total and back >= Decimal(total.amount))
        return ("refunded" if all_of_it or charge == "refunded" else "partially_refunded"), unmapped
    return charge or PAID_BY.get(telling.topic), unmapped


def _charged(telling: Telling) -> tuple[Payment | None, tuple[str, ...]]:
    source = telling.order
    charge, odd = meaning("charges", source.get("charge_status"))
    status, odd_status = meaning("payments", source.get("payment_status") or _of_payments(telling))
    held, odd_held = meaning("authorizations", source.get("authorize_status"))
    unmapped = (*odd, *odd_status, *odd_held)
    paid = charge.get("status")
    if paid == "none":
        paid = "authorized" if held.get("status") == "authorized" else "pending"
    told = status.get("status")
    if told in ("partially_refunded", "refunded", "failed", "voided") or paid is None:
        paid = told
    if paid is None and flag(source.get("is_paid")) is not None:
        paid = "paid" if source["is_paid"] else "pending"
    return cast(Payment | None, paid), unmapped


def _of_payments(telling: Telling) -> str | None:
    """The state of the active payment of the older payloads. An empty list says nothing: an order that is paid by
    transactions has no payments."""
    listed = [*rows(telling.order.get("payments")), table(telling.order.get("payment"))]
    states = [text(row.get("charge_status")) for row in listed if row.get("is_active") is not False]
    return next((state for state in reversed(states) if state), None)


def _paid_at(telling: Telling) -> datetime | None:
    logged = telling.first("order_fully_paid", "order_marked_as_paid")
    return logged or (telling.issued_at if telling.topic == "order_fully_paid" else None)


def _cancelled_at(telling: Telling) -> datetime:
    return telling.first("canceled", "expired") or telling.as_of


def _mailed(telling: Telling) -> tuple[str, ...]:
    """What Saleor's own mailer has written about; a dispatch is noted with its parcel."""
    kinds = [
        meaning("mails", entry.get("email_type"))[0].get("status")
        for kind, entry, _ in telling.happened
        if kind == "email_sent"
    ]
    told = dict.fromkeys(kind for kind in kinds if kind and kind != "shipment.dispatched")
    if "order.refunded" in told:
        told["order.partially_refunded"] = None
    return tuple(told)


def _unmapped_groups(telling: Telling) -> tuple[str, ...]:
    return tuple(raw for one in groups(telling) for raw in fate(one)[1])
