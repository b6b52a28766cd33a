"""An order of EC-CUBE as its Web API answers it -> OrderSeen, with its parcels and a return."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from connectors.parts.values.loose import first, identity, rows, table, text
from connectors.sources.eccube.lines import articles, lines
from connectors.sources.eccube.parcels import parcels
from connectors.sources.eccube.parties import orderer, recipient
from connectors.sources.eccube.words import CURRENCY, MAP, amount, hint, last_change, meaning, reference, when
from engine.contracts import Delivery, OrderSeen, Reading, Ref, ReturnSeen, Unreadable
from engine.model.order import Money, Payment
from engine.model.shipment import Packed


def order(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """Everything that the snapshot says. Raises Unreadable for an order without id."""
    order_id = identity(source.get("id"))
    if order_id is None:
        raise Unreadable("the order has no id")
    number, name = reference(source.get("OrderStatus"))
    passing = MAP["ignored"].get(number or "") or MAP["ignored"].get(name or "")
    if passing:
        return Reading(ignored=f"order status {number or name}: {passing['status']}")
    said, unmapped = meaning("orders", source.get("OrderStatus"))
    as_of = last_change(source) or delivery.received_at
    seen = _order(source, delivery, order_id, said, as_of)
    sent = parcels(source, order_id, delivery, as_of, shipped="shipped" in said)
    back = (_returned(source, order_id, as_of),) if "returned" in said else ()
    return Reading(observations=(seen, *sent, *back), unmapped=unmapped)


def _order(
    source: Mapping[str, Any], delivery: Delivery, order_id: str, said: Mapping[str, str], as_of: datetime
) -> OrderSeen:
    paid_at = when(source, "payment_date")
    shippings = rows(source.get("Shippings"))
    return OrderSeen(
        ref=Ref(order_id=order_id, order_number=text(source.get("order_no"))),
        as_of=as_of,
        placed_at=when(source, "order_date", "create_date"),
        payment=_payment(source, said, paid_at),
        paid_at=paid_at,
        allocated=True if "allocated" in said else None,
        cancelled_at=as_of if "cancelled" in said else None,
        lines=lines(source, delivery.config.get("url")),
        orderer=orderer(source),
        recipient=recipient(shippings[0]) if shippings else None,
        total=_total(source, delivery),
        source_notified=_mailed(source),
    )


def _payment(source: Mapping[str, Any], said: Mapping[str, str], paid_at: datetime | None) -> Payment | None:
    """A date of payment outweighs the status: an order in work (対応中) keeps it. Cash on delivery counts as paid,
    since nothing is outstanding before the parcel leaves and the customer wants to hear that the order stands."""
    payment = said.get("payment")
    if paid_at and payment in (None, "pending"):
        return "paid"
    method = first(source.get("payment_method"), table(source.get("Payment")).get("method"))
    if "allocated" in said and hint("methods", method) == "on_delivery":
        return "paid"
    return cast(Payment | None, payment)


def _total(source: Mapping[str, Any], delivery: Delivery) -> Money | None:
    """What the customer pays; `total` does not take off the points that were used."""
    currency = first(source.get("currency_code"), delivery.config.get("currency"), CURRENCY)
    return amount(source.get("payment_total"), currency) or amount(source.get("total"), currency)


def _mailed(source: Mapping[str, Any]) -> tuple[str, ...]:
    """What the shop has told its customer itself, by the mails that it keeps with the order."""
    told = (hint("mails", mail.get("mail_subject")) for mail in rows(source.get("MailHistories")))
    return tuple(sorted({event for event in told if event}))


def _returned(source: Mapping[str, Any], order_id: str, as_of: datetime) -> ReturnSeen:
    """返品 is said of the order as a whole: its goods are back. It tells nothing of money."""
    contents = tuple(
        Packed(quantity=line.quantity, line_id=line.id, sku=line.sku, name=line.name) for line in articles(source)
    )
    return ReturnSeen(
        ref=Ref(order_id=order_id, return_id=order_id),
        as_of=as_of,
        contents=contents,
        received_at=as_of,
    )
