"""Is a delivery from this WooCommerce shop?

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks: base64 HMAC-SHA256 of the raw body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from connectors.sources.signing import refusal
from engine.contracts import Delivery, Refused, Verified

_PING = re.compile(rb"webhook_id=\d{1,20}")


def is_ping(delivery: Delivery) -> bool:
    """The form-encoded `webhook_id=N` that a new webhook sends once, without topic and signature."""
    headers = delivery.headers
    bare = not headers.get("x-wc-webhook-signature") and not headers.get("x-wc-webhook-topic")
    return bare and _PING.fullmatch(delivery.body.strip()) is not None


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active secret; a ping is acknowledged and ignored.

    The key is None: a delivery id of WooCommerce names an attempt in its own log, not an event, so the
    digest of topic and body recognises a repeated delivery better.
    """
    if is_ping(delivery):
        return identify(delivery)
    header = "x-wc-webhook-signature"
    refused = refusal(delivery.body, delivery.headers.get(header), secrets, header)
    return refused or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Topic as the headers tell it, unchecked: for a delivery that is trusted on other grounds."""
    if is_ping(delivery):
        return Verified(by="nothing", ignore="ping")
    return Verified(topic=delivery.headers.get("x-wc-webhook-topic"))
