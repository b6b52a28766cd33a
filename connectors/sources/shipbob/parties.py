"""Who receives a parcel of ShipBob."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values import people
from connectors.parts.values.loose import first, table, text
from connectors.parts.values.people import somebody
from engine.model.customer import Party

ADDRESS = {
    "company": "company_name",
    "postal_code": "zip_code",
    "country": "country",
    "region": "state",
    "city": "city",
    "line1": "address1",
    "line2": "address2",
}


def recipient(source: Mapping[str, Any]) -> Party | None:
    """The person of `recipient`, with the address."""
    said = table(source.get("recipient"))
    name = first(said.get("name"), said.get("full_name"))
    return somebody(
        Party(
            name=name,
            email=text(said.get("email")),
            phone=text(said.get("phone_number")),
            address=people.address(table(said.get("address")), ADDRESS, name),
        )
    )


def orderer(source: Mapping[str, Any]) -> Party | None:
    """Whoever left the mail address. ShipBob knows the recipient only, so a gift's name is not the orderer's."""
    email = text(table(source.get("recipient")).get("email"))
    return Party(email=email) if email else None
