"""An order of Ongoing -> OrderSeen with its parcels: as a webhook tells it, and as the REST API answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import first, identity, money, number, plain, quantity, rounded, rows, table, text
from connectors.parts.values.people import address, somebody
from connectors.parts.values.prefectures import prefecture
from connectors.sources.ongoing.parcels import Order, parcels, scans
from connectors.sources.ongoing.words import LEFT, status, when, zone
from engine.contracts import Delivery, OrderSeen, Reading, Ref, ReturnSeen, Unreadable
from engine.model.customer import Party
from engine.model.order import Line, Money
from engine.model.shipment import Packed

ADDRESS = {
    "postal_code": "postCode",
    "country": "countryCode",
    "region": "region",
    "city": "city",
    "line1": "address1",
    "line2": "address2",
}


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What webhook and snapshot have in common."""

    ref: Ref
    as_of: datetime
    status: str | None
    unmapped: tuple[str, ...]


def event(source: Mapping[str, Any], delivery: Delivery) -> Reading:
    """A webhook about an order: its status has changed just then."""
    local = zone(delivery)
    told = _told(source, when(source, "timestamp", local) or delivery.received_at)
    seen = OrderSeen(ref=told.ref, as_of=told.as_of, cancelled_at=_cancelled(told))
    order = Order(ref=told.ref, as_of=told.as_of, status=told.status, left_at=told.as_of)
    sent = parcels(source, order, carrier=None, carrier_name=None)
    return Reading(observations=(seen, *sent, *scans(order, sent, repeating=True)), unmapped=told.unmapped)


def snapshot(source: Mapping[str, Any], delivery: Delivery, asked_at: datetime) -> Reading:
    """An order as the REST API answers. It does not say when it last changed: it was so when it was asked for."""
    local = zone(delivery)
    info = table(source.get("orderInfo"))
    told = _told(info, asked_at)
    person = _consignee(table(source.get("consignee")), info)
    lines = rows(source.get("orderLines"))
    seen = OrderSeen(
        ref=told.ref,
        as_of=told.as_of,
        placed_at=when(info, "createdDate", local),
        cancelled_at=_cancelled(told),
        lines=_lines(lines) if isinstance(source.get("orderLines"), list) else None,
        orderer=person and Party(name=person.name, email=person.email, phone=person.phone),
        recipient=person,
        total=_total(info, lines),
    )
    order = Order(
        ref=told.ref,
        as_of=told.as_of,
        status=told.status,
        left_at=when(info, "shippedTime", local) or told.as_of,
        contents=_contents(lines) if told.status in LEFT else None,
    )
    carrier = table(source.get("transporter"))
    name = first(carrier.get("transporterName"), carrier.get("name"))
    sent = parcels(source, order, carrier=first(carrier.get("code")), carrier_name=name)
    back = _returned(lines, order, local)
    return Reading(observations=(seen, *sent, *scans(order, sent, repeating=False), *back), unmapped=told.unmapped)


def _told(source: Mapping[str, Any], as_of: datetime) -> _Told:
    order_id = identity(source.get("orderId"))
    if order_id is None:
        raise Unreadable("the order has no orderId")
    meaning, unmapped = status(source)
    shown = first(source.get("orderNumber"), source.get("goodsOwnerOrderId"))
    return _Told(ref=Ref(order_id=order_id, order_number=shown), as_of=as_of, status=meaning, unmapped=unmapped)


def _cancelled(told: _Told) -> datetime | None:
    return told.as_of if told.status == "cancelled" else None


def _lines(lines: list[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Rows with goods; what "should not be picked" are fees and texts."""
    found = []
    for one in lines:
        article, line_id = table(one.get("article")), identity(one.get("id")) or text(one.get("rowNumber"))
        if line_id is None or one.get("shouldBePicked") is False:
            continue
        found.append(
            Line(
                id=line_id,
                name=first(article.get("articleName"), article.get("articleNumber")) or line_id,
                quantity=quantity(one.get("orderedNumberOfItems")),
                sku=text(article.get("articleNumber")),
                price=_price(one),
            )
        )
    return tuple(found)


def _price(line: Mapping[str, Any]) -> Money | None:
    """Of one unit; Ongoing keeps the sum of the line."""
    prices, units = table(line.get("prices")), number(line.get("orderedNumberOfItems"))
    whole = number(prices.get("customerLinePrice")) or number(prices.get("linePrice"))
    if not whole or not units:
        return None
    currency = prices.get("currencyCode")
    return money(plain(rounded(whole / units, currency)), currency)


def _total(info: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> Money | None:
    currency = first(*(table(one.get("prices")).get("currencyCode") for one in lines))
    price = number(info.get("customerPrice"))
    return money(plain(price), currency) if price else None


def _consignee(source: Mapping[str, Any], info: Mapping[str, Any]) -> Party | None:
    """Who receives the goods. Addresses for notices stand with the consignee or with the order."""
    contact = table(source.get("advanced"))

    def notice(kind: str) -> str | None:
        return first(*(table(where.get(f"{kind}Notification")).get("value") for where in (contact, info)))

    name = text(source.get("name"))
    state = text(source.get("countryStateCode"))
    home = address({**source, "region": prefecture(state) or state}, ADDRESS, name)
    phone = notice("sms") or notice("telephone")
    return somebody(Party(name=name, email=notice("email"), phone=phone, address=home))


def _contents(lines: list[Mapping[str, Any]]) -> tuple[Packed, ...] | None:
    packed = tuple(
        Packed(quantity=units, line_id=line_id, sku=text(table(one.get("article")).get("articleNumber")))
        for one in lines
        if (units := quantity(first(one.get("packedNumberOfItems")) or one.get("pickedNumberOfItems")))
        and (line_id := identity(one.get("id")) or text(one.get("rowNumber")))
    )
    return packed or None


def _returned(lines: list[Mapping[str, Any]], order: Order, local: str) -> tuple[ReturnSeen, ...]:
    """What has come back to the warehouse, as one return: only its units are counted."""
    back = [(one, units) for one in lines if (units := quantity(one.get("returnedNumberOfItems")))]
    if not back:
        return ()
    items = [item for one, _ in back for item in rows(one.get("pickedArticleItems"))]
    times = [at for item in items if (at := when(item, "returnDate", local))]
    causes = [first(table(item.get("returnCause")).get("name")) for item in items]
    received = max(times, default=order.as_of)
    contents = tuple(
        Packed(
            quantity=units, line_id=identity(one.get("id")), sku=text(table(one.get("article")).get("articleNumber"))
        )
        for one, units in back
    )
    seen = ReturnSeen(
        ref=Ref(order_id=order.ref.order_id, return_id=f"{order.ref.order_id}-returned"),
        as_of=received,
        contents=contents,
        received_at=received,
        reason=next(filter(None, causes), None),
    )
    return (seen,)
