"""Is a delivery from our forwarder? Amazon signs nothing: notifications come to a queue of the seller's, and whatever
takes them out of it signs them for us: by Standard Webhooks, or with HMAC-SHA256 of the body in X-Signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connectors.parts.senders import standard_webhooks
from connectors.parts.senders.signing import base64_hmac, hex_hmac, refusal
from connectors.sources.amazon.envelope import notification_id
from engine.contracts import Delivery, Refused, Unreadable, Verified

HEADER = "x-signature"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature; the key is Amazon's id of the notification, which every repetition has."""
    given = delivery.headers.get(HEADER)
    if given is None:
        verdict = standard_webhooks.verify(delivery, secrets, now)
        return verdict if isinstance(verdict, Refused) else identify(delivery)
    signature = given.strip().removeprefix("sha256=")
    in_hex = refusal(delivery.body, signature.lower(), secrets, HEADER, hex_hmac)
    if in_hex is None or refusal(delivery.body, signature, secrets, HEADER, base64_hmac) is None:
        return identify(delivery)
    return in_hex


def identify(delivery: Delivery) -> Verified:
    """Amazon's id as the body tells it, else the forwarder's, unchecked."""
    forwarded = standard_webhooks.identify(delivery)
    try:
        return replace(forwarded, key=notification_id(delivery.body) or forwarded.key)
    except Unreadable:
        return forwarded
