"""The demo's merchant and its connections."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING

from engine.model.merchant import MerchantSettings
from engine.terminal.demo.payloads_shopify import SHOP
from engine.terminal.demo.purchase import Shop

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.store.merchants import Connection

SLUG = "hanare"
NAME = "花と器 はなれ"
WEB = "https://hanare.example.com"
SETTINGS = MerchantSettings(
    from_email="info@hanare.example.com",
    from_name=NAME,
    reply_to="support@hanare.example.com",
    company="株式会社はなれ",
    address="〒602-0000 京都府京都市上京区衣棚下ル花器町1-2",
    phone="075-000-0000",
    url=f"{WEB}/",
    support_email="support@hanare.example.com",
    support_url=f"{WEB}/contact",
    accent="#8a3f2d",
    accent_dark="#f0b39f",
    reviews_url=f"{WEB}/reviews/new",
    returns_url=f"{WEB}/returns",
    reorder_url=f"{WEB}/cart/again",
)
TITLES: Mapping[Shop, str] = {
    "shopify": "オンラインストア(Shopify)",
    "woocommerce": "ギフトサイト(WooCommerce)",
    "standard": "自社の受注システム",
    "csv": "倉庫の出荷データ(CSV)",
}


def open_shop(app: App) -> tuple[int, dict[Shop, Connection]]:
    """Add the merchant with its mailbox and a connection of each kind; secrets are new every time.

    Returns the merchant's id and the sources.
    """
    from engine.store import merchants
    from engine.store.merchants import Connection

    now = app.clock.now()
    with app.store.begin() as tx:
        merchant = merchants.add(tx, slug=SLUG, name=NAME, settings=SETTINGS, now=now)
        sources = {
            kind: Connection(
                id=f"{kind}-{token_hex(4)}", merchant=merchant.id, connector=kind, role="source", name=title,
                config={"shop": SHOP} if kind == "shopify" else {},
                secrets={"secret": (b64encode(token_bytes(32)).decode(),)},
            )
            for kind, title in TITLES.items()
        }  # fmt: skip
        mailbox = Connection(
            id=f"mailbox-{SLUG}", merchant=merchant.id, connector="mailbox", role="channel", name="メールボックス"
        )
        for connection in (*sources.values(), mailbox):
            merchants.connect(tx, connection, now)
    return merchant.id, sources
