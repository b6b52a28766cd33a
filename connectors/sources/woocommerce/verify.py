"""Is a delivery from this WooCommerce shop?

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks: base64 HMAC-SHA256 of the raw body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders.signing import refusal
from connectors.sources.woocommerce.states import key_of_body
from engine.contracts import Delivery, Refused, Verified

_PING = re.compile(rb"webhook_id=\d{1,20}")


def is_ping(delivery: Delivery) -> bool:
    """The form-encoded `webhook_id=N` that a new webhook sends once, without topic and signature."""
    headers = delivery.headers
    bare = not headers.get("x-wc-webhook-signature") and not headers.get("x-wc-webhook-topic")
    return bare and _PING.fullmatch(delivery.body.strip()) is not None


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active secret; a ping is acknowledged and ignored.

    The key names the state of the order that the body shows, which is what polling finds as well; a delivery id of
    WooCommerce names an attempt in its own log, not an event. None for what shows no state: its topic and body are
    its name.
    """
    if is_ping(delivery):
        return identify(delivery)
    header = "x-wc-webhook-signature"
    refused = refusal(delivery.body, delivery.headers.get(header), secrets, header)
    return refused or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """State and topic as body and headers tell them, unchecked: for a delivery that is trusted on other grounds."""
    if is_ping(delivery):
        return Verified(by="nothing", ignore="ping")
    return Verified(key=key_of_body(delivery.body), topic=delivery.headers.get("x-wc-webhook-topic"))
