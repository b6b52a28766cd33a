"""Who ordered, who receives, who pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, identity, table, text
from connectors.parts.values.people import address, full_name, somebody
from connectors.parts.values.prefectures import prefecture
from engine.model.customer import Party

ADDRESS = {
    "company": "company_name",
    "postal_code": "postal_code",
    "country": "country",
    "region": "country_area",
    "city": "city",
    "line1": "street",
    "line2": "street_2",
    "phone": "phone",
}


def orderer(order: Mapping[str, Any]) -> Party | None:
    """The customer; a guest is known by the billing address."""
    user, billing, locale = table(order.get("user")), _plain(order.get("billing_address")), locale_of(order)
    return somebody(
        Party(
            name=_name(user, locale, text(billing.get("country"))) or _name(billing, locale),
            email=first(order.get("user_email"), order.get("email"), user.get("email")),
            phone=text(billing.get("phone")),
            locale=locale,
            customer_id=identity(user.get("id")),
        )
    )


def recipient(order: Mapping[str, Any]) -> Party | None:
    """Who receives the goods; None for downloads and for what is fetched from the shop."""
    return _at_address(order.get("shipping_address"), locale_of(order))


def payer(order: Mapping[str, Any]) -> Party | None:
    """Who is billed."""
    return _at_address(order.get("billing_address"), locale_of(order))


def locale_of(order: Mapping[str, Any]) -> str | None:
    """The language of the order as BCP 47 writes it: "JA" and "ja" are "ja", "EN_US" is "en-US"."""
    told = first(order.get("language_code_enum"), order.get("language_code"))
    if told is None:
        return None
    language, *rest = told.replace("_", "-").split("-")
    return "-".join([language.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])


def _at_address(source: object, locale: str | None) -> Party | None:
    place = _plain(source)
    name = _name(place, locale)
    return somebody(Party(name=name, phone=text(place.get("phone")), address=address(place, ADDRESS, name)))


def _name(source: Mapping[str, Any], locale: str | None, country: str | None = None) -> str | None:
    country = country or text(source.get("country"))
    return full_name(source.get("first_name"), source.get("last_name"), None, locale, country)


def _plain(source: object) -> Mapping[str, Any]:
    """The address with its country as a code, Japan's prefecture by name, and the district behind the city."""
    place = table(source)
    country, area = place.get("country"), text(place.get("country_area"))
    parts = [part for key in ("city", "city_area") if (part := text(place.get(key)))]
    return {
        **place,
        "country": text(table(country).get("code")) or text(country),
        "country_area": prefecture(area) or area,
        "city": " ".join(parts),
        "street": first(place.get("street_address_1"), place.get("street_address1")),
        "street_2": first(place.get("street_address_2"), place.get("street_address2")),
    }
