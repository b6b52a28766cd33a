"""Is a delivery from Ship24?

https://docs.ship24.com/webhooks/overview: the account's webhook secret comes as `authorization: Bearer <secret>`. The
body is not signed, so what proves it is only that the sender knows the secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.senders.signing import NO_SECRET, any_fits, bearer
from connectors.parts.values.loose import identity, rows, table, text
from engine.contracts import Delivery, Refused, Verified


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the bearer against every active secret. The key names the one message of a delivery; several that are
    grouped have none."""
    usable = [secret.encode() for secret in secrets if secret]
    if not usable:
        return Refused(reason=NO_SECRET)
    given = bearer(delivery.headers.get("authorization"))
    if not given:
        return Refused(reason="the header authorization with the webhook secret is missing")
    if not any_fits([given], usable):
        return Refused(reason="authorization is not the secret of this connection")
    return identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Id and topic as the body tells them. The id is joined by the moment of its making, since the documentation
    leaves open whether a later state of the tracking gets another."""
    trackings = rows(glance(delivery.body).get("trackings"))
    told = [table(tracking.get("metadata")) for tracking in trackings]
    topic = text(told[0].get("topic")) if told else None
    name = identity(told[0].get("messageId")) if len(told) == 1 else None
    return Verified(key=f"{name}@{text(told[0].get('generatedAt'))}" if name else None, topic=topic, by="bearer")
