"""Is a delivery from Shippo?

https://docs.goshippo.com/docs/tracking/webhooks/: Shippo signs on request only, so the secret stands in the address
that is registered with it. Whoever knows the address can post.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.bodies.jsonbody import load
from connectors.parts.senders.signing import token_in_url
from connectors.parts.values.loose import table, text
from engine.contracts import Delivery, Refused, Unreadable, Verified


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Look for a secret in the address. The key is None: Shippo gives its deliveries no id, so a repeated one is
    recognised by its content."""
    return token_in_url(delivery.url, secrets) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """The event as the body tells it."""
    try:
        event = text(table(load(delivery.body)).get("event"))
    except Unreadable:
        event = None
    return Verified(topic=event, by="token")
