"""Is a delivery from ShipBob? Standard Webhooks since 2025-07: https://developer.shipbob.com/webhooks"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders import standard_webhooks
from engine.contracts import Delivery, Refused, Verified


def topic_of(delivery: Delivery) -> str | None:
    """The topic under its present header or the one of versions 1.0 and 2.0."""
    return delivery.headers.get("x-webhook-topic") or delivery.headers.get("shipbob-topic")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check signature and age. The key is the webhook-id, which a retry repeats."""
    if "shipbob-topic" in delivery.headers and not delivery.headers.get("webhook-signature"):
        return Refused(reason="webhooks of ShipBob's API 1.0 and 2.0 are not signed: register it with a newer version")
    verdict = standard_webhooks.verify(delivery, secrets, now)
    return verdict if isinstance(verdict, Refused) else identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Id and topic as the headers tell them, unchecked: for a delivery that is trusted on other grounds."""
    return Verified(key=delivery.headers.get("webhook-id"), topic=topic_of(delivery))
