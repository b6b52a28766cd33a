"""Who ordered, who receives, who pays. WooCommerce knows a billing and a shipping address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import identity, table, text
from connectors.parts.values.people import address, full_name, somebody
from connectors.parts.values.prefectures import prefecture
from connectors.sources.woocommerce.words import words
from engine.model.customer import Party

ADDRESS = {
    "company": "company",
    "postal_code": "postcode",
    "country": "country",
    "region": "state",
    "city": "city",
    "line1": "address_1",
    "line2": "address_2",
    "phone": "phone",
}


def orderer(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who is billed is who ordered; `locale` is the connection's, since WooCommerce tells none."""
    billing = _readable(order, "billing")
    return somebody(
        Party(
            name=_name(billing, locale),
            email=text(billing.get("email")),
            phone=text(billing.get("phone")),
            locale=locale,
            customer_id=identity(order.get("customer_id")),
        )
    )


def recipient(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who receives the goods; None for downloads and pick-up, where the address is blank."""
    return _at_address(_readable(order, "shipping"), locale)


def payer(order: Mapping[str, Any], locale: str | None) -> Party | None:
    """Who is billed, with the address."""
    return _at_address(_readable(order, "billing"), locale)


def _at_address(source: Mapping[str, Any], locale: str | None) -> Party | None:
    name = _name(source, locale)
    return somebody(
        Party(
            name=name,
            email=text(source.get("email")),
            phone=text(source.get("phone")),
            address=address({**source, "state": _region(source)}, ADDRESS, name),
        )
    )


def _name(source: Mapping[str, Any], locale: str | None) -> str | None:
    return full_name(source.get("first_name"), source.get("last_name"), None, locale, text(source.get("country")))


def _region(source: Mapping[str, Any]) -> str | None:
    """WooCommerce sends the code of a Japanese prefecture, elsewhere a code or name that people use."""
    state = text(source.get("state"))
    return prefecture(state) or state


def _readable(order: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return {name: words(value) for name, value in table(order.get(key)).items()}
