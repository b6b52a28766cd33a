"""An order (受注伝票) -> OrderSeen, with the parcels of the deliveries that it shows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import cast

from connectors.parts.values import days
from connectors.parts.values.loose import first, identity, number, plain, quantity, raw_status, rows, table, text, yen
from connectors.sources.logiless.parcels import count_parcels, delivery, unnamed
from connectors.sources.logiless.parties import party
from connectors.sources.logiless.words import MAP, ZONE, Record, fetched, meaning, says, unmapped, when
from engine.contracts import OrderSeen, Reading, Ref, Unreadable
from engine.model.order import Line, Money, Payment

STATUSES = {
    "document_status": "documents",
    "status": "documents",
    "allocation_status": "allocations",
    "delivery_status": "deliveries",
    "incoming_payment_status": "payments",
    "authorization_status": "authorizations",
}
DOCUMENT = ("document_status", "status")


def order(record: Record, received_at: datetime, *, polled: bool) -> Reading:
    """Everything that the snapshot says. A recorded order that was sent and shows no delivery is one parcel without
    a name; after one that was polled its deliveries follow, with their numbers. Raises Unreadable for an order without
    id and code."""
    ref = Ref(order_id=identity(record.get("id")), order_number=text(record.get("code")))
    if ref == Ref():
        raise Unreadable("the order has neither id nor code")
    document = says(record, "documents", *DOCUMENT)
    as_of = when(record, "updated_at", "created_at", "ordered_at") or received_at
    cancelled = "cancelled" in document or "cancelled" in says(record, "deliveries", "delivery_status")
    seen = OrderSeen(
        ref=ref,
        as_of=as_of,
        placed_at=when(record, "ordered_at", "created_at", "document_date"),
        payment=_payment(record, cancelled=cancelled),
        allocated=_allocated(record),
        on_hold=_on_hold(record),
        ships_on=days.day(record.get("scheduled_shipping_date"), ZONE),
        cancelled_at=(when(record, "finished_at") or as_of) if cancelled else None,
        lines=_lines(record),
        orderer=party(record, "buyer", identity(record.get("customer_code"))),
        recipient=party(record, "recipient"),
        total=None if cancelled else _total(record),  # of a cancelled order nothing is left: 0
    )
    deliveries = rows(record.get("outbound_deliveries"))
    siblings = count_parcels(deliveries)
    parts = [delivery(one, received_at, order=ref, siblings=siblings) for one in deliveries]
    parcels = tuple(parcel for part in parts for parcel in part.observations)
    if not (deliveries or polled or cancelled) and "shipped" in document:
        parcels = (unnamed(record, ref, as_of),)
    known = [*unmapped(record, STATUSES), *(raw for part in parts for raw in part.unmapped)]
    known += [raw for line in rows(record.get("lines")) for raw in unmapped(line, {"status": "lines"})]
    return Reading(observations=(seen, *parcels), unmapped=tuple(dict.fromkeys(known)))


def _payment(record: Record, *, cancelled: bool) -> Payment | None:
    """Paid is also an order that has left the wait for payment behind, and one that is paid on delivery or later:
    nothing is outstanding before the parcel leaves. Of a cancelled order only a payment itself is told."""
    incoming = says(record, "payments", "incoming_payment_status").get("status")
    authorized = says(record, "authorizations", "authorization_status").get("status")
    if "paid" in (incoming, authorized):
        return "paid"
    if authorized == "failed":
        return "failed"
    after = (raw_status(record.get("payment_method")) or "") in MAP["after"]
    if not cancelled and ("paid" in says(record, "documents", *DOCUMENT) or after):
        return "paid"
    return cast(Payment | None, authorized or incoming)


def _allocated(record: Record) -> bool | None:
    document = says(record, "documents", *DOCUMENT)
    if "shipped" in document:
        return True
    said = says(record, "allocations", "allocation_status") or document
    return {"true": True, "false": False}.get(said.get("allocated", ""))


def _on_hold(record: Record) -> bool | None:
    said, unknown = meaning("deliveries", record.get("delivery_status"))
    return "hold" in said if said or (text(record.get("delivery_status")) and not unknown) else None


def _lines(record: Record) -> tuple[Line, ...] | None:
    """What the customer ordered. Parts of a set stand below it as children, which nobody ordered by themselves."""
    if not isinstance(record.get("lines"), list):
        return None
    travels = not fetched(record.get("delivery_method"))
    found = []
    for place, row in enumerate(rows(record["lines"]), 1):
        count, article = quantity(row.get("quantity")), table(row.get("article"))
        if (row.get("is_child")) or not count:
            continue
        given_up = "cancelled" in says(row, "lines", "status") or (row.get("is_partial_cancel"))
        sku = first(row.get("article_code"), article.get("code"))
        found.append(
            Line(
                id=identity(row.get("id")) or f"line-{place}",
                name=first(row.get("article_name"), article.get("name"), sku) or f"line-{place}",
                quantity=count,
                sku=sku,
                variant=text(row.get("article_option")),
                price=yen(row.get("price")),
                cancelled=count if given_up else 0,
                ships=travels,
            )
        )
    return tuple(found) or None


def _total(record: Record) -> Money | None:
    """As told; else of its parts, where tax cannot be missing from them."""
    if number(record.get("total")) is not None:
        return yen(record["total"])
    goods = number(record.get("subtotal"))
    included = [row.get("tax_indicator") == "TaxIncluded" for row in rows(record.get("lines"))]
    if goods is None or not (included and all(included)):
        return None
    more = sum((number(record.get(name)) or Decimal(0) for name in ("delivery_fee", "sundry_fee")), goods)
    less = sum((number(record.get(name)) or Decimal(0) for name in ("discount", "use_point", "use_coupon")), Decimal(0))
    return yen(plain(more - less))
