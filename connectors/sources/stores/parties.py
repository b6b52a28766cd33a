"""Who ordered, who receives. Orders at the till have neither address nor mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.countries import country
from connectors.parts.values.loose import table, text
from connectors.parts.values.people import address, full_name, somebody
from engine.model.customer import Party

ADDRESS = {
    "postal_code": "zip_code",
    "country": "country",
    "region": "prefecture",
    "line1": "address",
    "phone": "tel",
}


def orderer(order: Mapping[str, Any]) -> Party | None:
    """Who ordered, with the address given at the checkout."""
    party = _person(table(order.get("billing_address")))
    return somebody(Party(name=party.name, email=text(order.get("email")), phone=party.phone, address=party.address))


def recipient(delivery: Mapping[str, Any]) -> Party | None:
    """Who receives the goods of one delivery."""
    return somebody(_person(table(delivery.get("shipping_address"))))


def _person(source: Mapping[str, Any]) -> Party:
    land = country(source.get("country"))
    name = full_name(source.get("first_name"), source.get("last_name"), None, None, land)
    lives = any(text(source.get(key)) for key in ("zip_code", "prefecture", "address"))
    where = address({**source, "country": land}, ADDRESS, name) if lives else None
    return Party(name=name, phone=text(source.get("tel")), address=where)
