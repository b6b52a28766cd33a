"""Schema.org in a mail, which mailboxes show beside it: what was ordered, and each parcel on its way.

Shapes: https://developers.google.com/workspace/gmail/markup/reference/order and .../parcel-delivery. What is required
there and not known is no reason to invent it: then the thing is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from engine.model.customer import Address
from engine.model.facts import Facts
from engine.model.merchant import Merchant
from engine.model.order import Line, Money
from engine.model.shipment import Shipment
from engine.rules import carriers
from engine.rules.stage import stage
from engine.rules.units import account, dispatched, find

STATUS: Mapping[str, str] = {
    "accepted": "OrderProcessing", "confirmed": "OrderProcessing", "cancelled": "OrderCancelled",
    "shipped": "OrderInTransit", "on_its_way": "OrderInTransit", "out_for_delivery": "OrderInTransit",
    "pickup": "OrderPickupAvailable", "trouble": "OrderProblem", "delivered": "OrderDelivered",
    "returning": "OrderReturned", "returned": "OrderReturned",
}  # fmt: skip
_SLASH = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def markup(
    facts: Facts, merchant: Merchant, *, shipment: str | None, url: str | None, locale: str, whole: bool
) -> Markup:
    """The script element for the head of a mail; empty where too little is known. `shipment`: the parcel that the mail
    is about, if it is about one; `whole`: with street and house, not only region and city."""
    things = [*_order(facts, merchant, url), *_parcels(facts, merchant, shipment, url, locale, whole)]
    if not things:
        return Markup("")
    text = json.dumps(things if len(things) > 1 else things[0], ensure_ascii=False).translate(_SLASH)
    return Markup(f'<script type="application/ld+json">{text}</script>')  # noqa: S704 - < and & are escaped above


def _order(facts: Facts, merchant: Merchant, url: str | None) -> Iterator[dict[str, Any]]:
    order = facts.order
    if not order.number or order.total is None or not order.lines:
        return
    yield _known({
        "@context": "http://schema.org", "@type": "Order", "merchant": _seller(merchant), "orderNumber": order.number,
        "orderStatus": f"http://schema.org/{STATUS[stage(facts)]}",
        "orderDate": order.placed_at.isoformat() if order.placed_at else None,
        **_price(order.total), "acceptedOffer": [_offer(line) for line in order.lines], "url": url,
    })  # fmt: skip


def _offer(line: Line) -> dict[str, Any]:
    item = _known({"@type": "Product", "name": line.name, "sku": line.sku, "image": line.image_url, "url": line.url})
    quantity = {"@type": "QuantitativeValue", "value": str(line.quantity)}
    return {"@type": "Offer", "itemOffered": item, **(_price(line.price) if line.price else {}),
            "eligibleQuantity": quantity}  # fmt: skip


def _parcels(
    facts: Facts, merchant: Merchant, shipment: str | None, url: str | None, locale: str, whole: bool
) -> Iterator[dict[str, Any]]:
    to = facts.order.recipient or facts.order.orderer
    place = to.address if to else None
    for parcel in dispatched(facts):
        carrier = carriers.name(parcel.carrier, parcel.carrier_name, locale)
        items = _items(facts, parcel)
        if shipment not in {None, parcel.key} or not carrier or not items or not place or not facts.order.number:
            continue
        yield _known({
            "@context": "http://schema.org", "@type": "ParcelDelivery",
            "deliveryAddress": _address(place, to.name if to and whole else None, whole),
            "expectedArrivalFrom": parcel.eta_from.isoformat() if parcel.eta_from else None,
            "expectedArrivalUntil": parcel.eta_until.isoformat() if parcel.eta_until else None,
            "carrier": {"@type": "Organization", "name": carrier}, "itemShipped": items,
            "trackingNumber": parcel.number,
            "trackingUrl": carriers.tracking_url(parcel.carrier, parcel.number, locale) or parcel.url or url,
            "partOfOrder": {"@type": "Order", "orderNumber": facts.order.number, "merchant": _seller(merchant),
                            "orderStatus": f"http://schema.org/{STATUS[stage(facts)]}"},
        })  # fmt: skip


def _items(facts: Facts, parcel: Shipment) -> list[dict[str, Any]]:
    lines, units = facts.order.lines, account(facts)
    if parcel.contents is None:
        names = [line.name for line in lines if units[line.id].shipped.get(parcel.key)]
    else:
        found = [(find(packed, lines), packed) for packed in parcel.contents]
        names = [name for line, packed in found if (name := line.name if line else packed.name)]
    return [{"@type": "Product", "name": name} for name in names]


def _address(place: Address, name: str | None, whole: bool) -> dict[str, Any]:
    street = " ".join(filter(None, (place.line1, place.line2))) if whole else None
    return _known({
        "@type": "PostalAddress", "name": name, "streetAddress": street or None, "addressLocality": place.city,
        "addressRegion": place.region, "addressCountry": place.country,
        "postalCode": place.postal_code if whole else None,
    })  # fmt: skip


def _seller(merchant: Merchant) -> dict[str, str]:
    return {"@type": "Organization", "name": merchant.name}


def _price(money: Money) -> dict[str, str]:
    return {"price": money.amount, "priceCurrency": money.currency}


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
