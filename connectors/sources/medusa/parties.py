"""Who ordered, who receives, who pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, identity, table, text
from connectors.parts.values.people import address, full_name, somebody
from connectors.parts.values.prefectures import prefecture
from engine.model.customer import Party

ADDRESS = {
    "company": "company",
    "postal_code": "postal_code",
    "country": "country_code",
    "region": "province",
    "city": "city",
    "line1": "address_1",
    "line2": "address_2",
    "phone": "phone",
}


def orderer(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """The customer; a guest has left a name only at the address that is billed."""
    customer, billing = table(order.get("customer")), table(order.get("billing_address"))
    spoken = first(order.get("locale")) or locale
    return somebody(
        Party(
            name=_name(customer, spoken, billing) or _name(billing, spoken, billing),
            email=first(order.get("email"), customer.get("email")),
            phone=first(customer.get("phone"), billing.get("phone")),
            locale=spoken,
            customer_id=identity(order.get("customer_id")) or identity(customer.get("id")),
        )
    )


def recipient(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who receives the goods."""
    return _at_address(table(order.get("shipping_address")), first(order.get("locale")) or locale)


def payer(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who is billed."""
    return _at_address(table(order.get("billing_address")), first(order.get("locale")) or locale)


def _at_address(source: Mapping[str, Any], locale: str | None) -> Party | None:
    name = _name(source, locale, source)
    whole = {**source, "country_code": _country(source), "province": _region(source)}
    return somebody(Party(name=name, phone=text(source.get("phone")), address=address(whole, ADDRESS, name)))


def _name(person: Mapping[str, Any], locale: str | None, home: Mapping[str, Any]) -> str | None:
    return full_name(person.get("first_name"), person.get("last_name"), None, locale, _country(home))


def _country(source: Mapping[str, Any]) -> str | None:
    """Medusa writes countries in lower case."""
    found = text(source.get("country_code"))
    return found.upper() if found else None


def _region(source: Mapping[str, Any]) -> str | None:
    """`province` is free text, or an ISO 3166-2 code in lower case ("jp-04")."""
    found = text(source.get("province"))
    return prefecture(found.upper()) or found if found else None
