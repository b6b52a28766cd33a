"""A merchant's settings: how its messages look, where its people are reached."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class MerchantSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that a merchant's messages and pages take from the merchant. All but the zone may be empty."""

    locale: str = "ja"  # language when the customer's is not known
    timezone: str = "Asia/Tokyo"  # IANA name
    from_email: str | None = None
    from_name: str | None = None
    reply_to: str | None = None
    company: str | None = None  # 販売業者: the legal name
    address: str | None = None
    phone: str | None = None
    url: str | None = None
    support_email: str | None = None
    support_url: str | None = None
    logo_url: str | None = None
    accent: str = "#0b6b57"
    accent_dark: str = "#5fd0b8"
    reviews_url: str | None = None
    returns_url: str | None = None
    reorder_url: str | None = None
    country: str = "JP"  # ISO 3166-1: where people live of whom no source says it
    service_consent: str = "by_law"  # "always": consent also where the law is content with a purchase
    quiet_start: str = "21:00"  # service and promotional messages wait for the morning
    quiet_end: str = "08:00"
    mail_charset: Literal["utf-8", "iso-2022-jp"] = "utf-8"
    # Schema.org in mails, for what mailboxes show beside them: "yes", or "full" with the whole address of delivery.
    mail_markup: Literal["no", "yes", "full"] = "no"
    click_links: str = "no"  # "yes": links of messages lead by way of us, so that clicks are known
    fuse_per_hour: int | None = None  # messages of one journey an hour at most; without it rules.fuse.CAP


class Merchant(Struct, frozen=True, kw_only=True):
    """Who a connection, an order and a message belong to."""

    id: int
    slug: str
    name: str
    settings: MerchantSettings = MerchantSettings()
