"""Who ordered, who receives. BASE knows the buyer and, where it is somebody else, a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.countries import country
from connectors.parts.values.loose import table, text
from connectors.parts.values.people import address, full_name, somebody
from engine.model.customer import Party

ADDRESS = {
    "postal_code": "zip_code",
    "country": "country_code",
    "region": "prefecture",
    "city": "address",
    "line1": "address2",
    "phone": "tel",
}


def orderer(order: Mapping[str, Any]) -> Party | None:
    """Who ordered; sales through a partner's shop come without address and mail."""
    party = _person(order)
    return somebody(
        Party(name=party.name, email=text(order.get("mail_address")), phone=party.phone, address=party.address)
    )


def recipient(order: Mapping[str, Any]) -> Party | None:
    """Who receives the goods: the buyer when no receiver is named."""
    receiver = table(order.get("order_receiver"))
    named = any(text(receiver.get(key)) for key in ("last_name", "first_name", "address", "zip_code"))
    return somebody(_person(receiver if named else order))


def _person(source: Mapping[str, Any]) -> Party:
    abroad = text(source.get("country_code")) or text(source.get("country"))
    land = country(abroad) or ("JP" if not abroad and text(source.get("prefecture")) else None)
    name = full_name(source.get("first_name"), source.get("last_name"), None, None, land)
    lives = any(text(source.get(key)) for key in ("zip_code", "prefecture", "address", "address2"))
    where = address({**source, "country_code": land}, ADDRESS, name) if lives else None
    return Party(name=name, phone=text(source.get("tel")), address=where)
