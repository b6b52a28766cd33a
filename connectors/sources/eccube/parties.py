"""Who ordered, who receives. Name01 is the family name; addr01 is the city, addr02 street and building."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.countries import country
from connectors.parts.values.loose import identity, table, text
from connectors.parts.values.people import address, full_name, somebody
from connectors.parts.values.prefectures import prefecture
from connectors.sources.eccube.words import reference
from engine.model.customer import Address, Party

ADDRESS = {
    "company": "company_name",
    "postal_code": "postal_code",
    "country": "country",
    "region": "region",
    "city": "addr01",
    "line1": "addr02",
    "phone": "phone_number",
}


def orderer(order: Mapping[str, Any]) -> Party | None:
    """Who ordered, with the address given at the checkout."""
    party = _person(order)
    member = table(order.get("Customer")).get("id")
    return somebody(
        Party(
            name=party.name,
            email=text(order.get("email")),
            phone=party.phone,
            customer_id=identity(member),
            address=party.address,
        )
    )


def recipient(shipping: Mapping[str, Any]) -> Party | None:
    """Who receives the goods of one Shipping: an order may go to several people."""
    return somebody(_person(shipping))


def _person(source: Mapping[str, Any]) -> Party:
    number, land = reference(source.get("Country"))
    region = _prefecture(source.get("Pref"))
    # A shop in Japan does not ask for the country; who lives in a prefecture lives here.
    code = country(number) or country(land) or ("JP" if region else None)
    name = full_name(source.get("name02"), source.get("name01"), None, None, code)
    where = {**source, "country": code, "region": region}
    return Party(name=name, phone=text(source.get("phone_number")), address=_at_home(where, name))


def _prefecture(value: object) -> str | None:
    """EC-CUBE numbers the prefectures as ISO 3166-2:JP does."""
    number, name = reference(value)
    return name or (prefecture(f"JP-{int(number):02}") if number and number.isascii() and number.isdigit() else None)


def _at_home(where: Mapping[str, Any], name: str | None) -> Address | None:
    lives = any(text(where.get(key)) for key in ("postal_code", "region", "addr01", "addr02"))
    return address(where, ADDRESS, name) if lives else None
