"""Is a delivery from Shopify, and for this shop?

https://shopify.dev/docs/apps/build/webhooks/subscribe/https: base64 HMAC-SHA256 of the raw body under the
app's client secret. No time is signed, so a repeated delivery is recognised by its id and by its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders.signing import refusal
from engine.contracts import Delivery, Refused, Verified


def header(delivery: Delivery, name: str) -> str | None:
    """The header under either spelling: Shopify drops the "X-" in its newer deliveries."""
    return delivery.headers.get(f"x-shopify-{name}") or delivery.headers.get(f"shopify-{name}")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active secret, and the shop where the connection names one.

    The key is the webhook id, which stays the same over Shopify's retries; None when it is missing.
    """
    refused = refusal(delivery.body, header(delivery, "hmac-sha256"), secrets, "x-shopify-hmac-sha256")
    if refused:
        return refused
    shop = delivery.config.get("shop")
    if shop and (header(delivery, "shop-domain") or "").lower() != shop.lower():
        return Refused(reason="x-shopify-shop-domain names another shop than this connection's `shop`")
    return identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Id and topic as the headers tell them, unchecked: for a delivery that is trusted on other grounds."""
    return Verified(key=header(delivery, "webhook-id"), topic=header(delivery, "topic"))
