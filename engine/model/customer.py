"""People and where they live. Orderer, recipient and payer of an order can be three people."""

from __future__ import annotations

from msgspec import Struct


class Address(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A postal address as the source wrote it; `country` is ISO 3166-1 alpha-2 where known."""

    name: str | None = None
    company: str | None = None
    postal_code: str | None = None
    country: str | None = None
    region: str | None = None  # prefecture, state
    city: str | None = None
    line1: str | None = None
    line2: str | None = None
    phone: str | None = None


class Party(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person's part in an order. `name` is kept exactly as the customer wrote it (髙 stays 髙)."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None  # BCP 47 as the source gave it: "ja-JP", "en"
    customer_id: str | None = None  # the source's own id of the person
    address: Address | None = None
    accepts_marketing: bool | None = None
