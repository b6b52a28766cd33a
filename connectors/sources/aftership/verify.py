"""Is a delivery from AfterShip?

https://www.aftership.com/docs/tracking/webhook/webhook-signature: `aftership-hmac-sha256` is the base64 HMAC-SHA256 of
the raw body under the webhook secret. AfterShip's other products sign in headers of other names.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.senders.signing import refusal
from connectors.parts.values.loose import identity, text
from engine.contracts import Delivery, Refused, Verified

HEADER = "aftership-hmac-sha256"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active secret. The key is the `event_id`, the same over all retries."""
    return refusal(delivery.body, delivery.headers.get(HEADER), secrets, HEADER) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Id and topic as the body tells them; older webhook versions have no id."""
    body = glance(delivery.body)
    return Verified(key=identity(body.get("event_id")), topic=text(body.get("event")))
