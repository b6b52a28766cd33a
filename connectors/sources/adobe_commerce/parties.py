"""Who ordered, who receives, who pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, identity, rows, table, text
from connectors.parts.values.people import address, full_name, somebody
from connectors.parts.values.prefectures import prefecture
from engine.model.customer import Party

ADDRESS = {
    "company": "company",
    "postal_code": "postcode",
    "country": "country_id",
    "region": "region",
    "city": "city",
    "line1": "line1",
    "line2": "line2",
    "phone": "telephone",
}


def orderer(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """The customer; a guest has a name at the address that is billed."""
    billing = table(order.get("billing_address"))
    country = text(billing.get("country_id"))
    name = full_name(order.get("customer_firstname"), order.get("customer_lastname"), None, locale, country)
    return somebody(
        Party(
            name=name or _name(billing, locale),
            email=first(order.get("customer_email"), billing.get("email")),
            phone=text(billing.get("telephone")),
            locale=locale,
            customer_id=identity(order.get("customer_id")),
        )
    )


def recipient(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who receives the goods; None for what is downloaded."""
    extension = table(order.get("extension_attributes"))
    assigned = rows(extension.get("shipping_assignments")) or rows(order.get("shipping_assignments"))
    places = [table(table(one.get("shipping")).get("address")) for one in assigned]
    return _at_address(next(filter(None, places), table(order.get("shipping_address"))), order, locale)


def payer(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who is billed."""
    return _at_address(table(order.get("billing_address")), order, locale)


def _at_address(source: Mapping[str, Any], order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Magento copies the customer's mail address to every postal address: only another one is somebody else's."""
    name = _name(source, locale)
    email = text(source.get("email"))
    street = source.get("street")
    # saved through the admin, several lines of a street are one text
    parts = street if isinstance(street, list) else str(street or "").split("\n")
    written = [found for one in parts if (found := text(one))]
    whole = {
        **source,
        "line1": written[0] if written else None,
        "line2": " ".join(written[1:]),
        "region": _region(source),
    }
    return somebody(
        Party(
            name=name,
            email=email if email != text(order.get("customer_email")) else None,
            phone=text(source.get("telephone")),
            address=address(whole, ADDRESS, name),
        )
    )


def _name(source: Mapping[str, Any], locale: str | None) -> str | None:
    return full_name(source.get("firstname"), source.get("lastname"), None, locale, text(source.get("country_id")))


def _region(source: Mapping[str, Any]) -> str | None:
    """An order has the region as text, a quote as an object; Japanese prefectures have codes (JP-13)."""
    told = source.get("region")
    inner = table(told)
    code = first(source.get("region_code"), inner.get("region_code"))
    return prefecture(code) or first(inner.get("region"), text(told), code)
