"""Is a delivery from this instance of Ongoing?

Ongoing signs nothing; a webhook can be given headers of its own. The secret stands in X-Auth-Token, as a bearer token,
or in the address. https://developer.ongoingwarehouse.com/Webhooks
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.senders.signing import NO_SECRET, any_fits, bearer, token_in_url
from connectors.parts.values.loose import first, identity
from engine.contracts import Delivery, Refused, Verified

HEADER = "x-auth-token"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the secret. The key is Ongoing's id of the event, which a retry repeats."""
    headers = delivery.headers
    given = (headers.get(HEADER) or "").strip().encode() or bearer(headers.get("authorization"))
    if not given:
        return token_in_url(delivery.url, secrets) or identify(delivery)
    usable = [secret.encode() for secret in secrets if secret]
    if not usable:
        return Refused(reason=NO_SECRET)
    if any_fits([given], usable):
        return identify(delivery)
    return Refused(reason="X-Auth-Token is not the secret of this connection")


def identify(delivery: Delivery) -> Verified:
    """Ongoing's id of the event as the body tells it, unchecked."""
    body = glance(delivery.body)
    event = identity(body.get("webhookEventId"))
    kind = "shipment" if "webhookShipmentsId" in body else "order"
    system = first(body.get("system")) or ""  # ids are counted by each instance
    return Verified(key=f"{kind}/{system}/{event}" if event else None, by="token")
