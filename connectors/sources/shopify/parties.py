"""Who ordered, who receives, who pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, flag, identity, table, text
from connectors.parts.values.people import address, full_name, somebody
from connectors.parts.values.prefectures import prefecture
from engine.model.customer import Party

ADDRESS = {
    "company": "company",
    "postal_code": "zip",
    "country": "country_code",
    "region": "province",
    "city": "city",
    "line1": "address1",
    "line2": "address2",
    "phone": "phone",
}


def orderer(order: Mapping[str, Any]) -> Party | None:
    """The customer. Guests, point of sale and apps without access to personal data leave much of it out."""
    customer, billing = table(order.get("customer")), table(order.get("billing_address"))
    home = table(customer.get("default_address"))
    locale = text(order.get("customer_locale"))
    country = first(billing.get("country_code"), home.get("country_code"))
    name = full_name(customer.get("first_name"), customer.get("last_name"), None, locale, country)
    return somebody(
        Party(
            name=name or _name(billing, locale),
            email=first(order.get("email"), order.get("contact_email"), customer.get("email")),
            phone=first(order.get("phone"), customer.get("phone"), billing.get("phone")),
            locale=locale,
            customer_id=identity(customer.get("id")),
            accepts_marketing=_accepts_marketing(order, customer),
        )
    )


def recipient(order: Mapping[str, Any]) -> Party | None:
    """Who receives the goods; a gift's recipient has an address and no mail address."""
    return at_address(table(order.get("shipping_address")), text(order.get("customer_locale")))


def payer(order: Mapping[str, Any]) -> Party | None:
    """Who is billed."""
    return at_address(table(order.get("billing_address")), text(order.get("customer_locale")))


def at_address(source: Mapping[str, Any], locale: str | None = None) -> Party | None:
    """The person at an address of Shopify."""
    name = _name(source, locale)
    home = address({**source, "province": _region(source, locale)}, ADDRESS, name)
    return somebody(Party(name=name, phone=text(source.get("phone")), address=home))


def _name(source: Mapping[str, Any], locale: str | None) -> str | None:
    """`name` is always "first last"; composing it anew puts 髙橋 before 直子."""
    country = text(source.get("country_code"))
    return full_name(source.get("first_name"), source.get("last_name"), source.get("name"), locale, country)


def _region(source: Mapping[str, Any], locale: str | None) -> str | None:
    """`province` is romanised ("Kyōto"); who reads Japanese gets 京都府."""
    japanese = (locale or "ja").lower().startswith("ja")
    return (japanese and prefecture(text(source.get("province_code")))) or text(source.get("province"))


def _accepts_marketing(order: Mapping[str, Any], customer: Mapping[str, Any]) -> bool | None:
    """A consent that is "pending" waits for the second opt-in: not a yes yet."""
    state = text(table(customer.get("email_marketing_consent")).get("state"))
    if state is not None:
        return state.lower() == "subscribed"
    asked = flag(order.get("buyer_accepts_marketing"))
    return flag(customer.get("accepts_marketing")) if asked is None else asked
