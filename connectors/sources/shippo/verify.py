"""Is a delivery from Shippo?

https://docs.goshippo.com/docs/tracking/webhooks/: Shippo signs on request only, so the secret stands in the address
that is registered with it. Whoever knows the address can post.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.senders.signing import token_in_url
from connectors.parts.talk import asking
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Delivery, Refused, Verified

TOLD = ("eta", "transaction", "metadata", "address_to")
LINE = ("status", "status_date", "status_details", "substatus", "location")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Look for a secret in the address. Shippo gives its deliveries no id: a state of a track has a key of its own,
    which a poll gives it too."""
    return token_in_url(delivery.url, secrets) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Event and state as the body tells them."""
    body = glance(delivery.body)
    return Verified(key=state(table(body.get("data"))), topic=text(body.get("event")), by="token")


def state(track: Mapping[str, Any]) -> str | None:
    """The key of what a track tells. Ids and times of its making are left out: they change where nothing else does.
    None without a number or a state."""
    carrier, number = text(track.get("carrier")), text(track.get("tracking_number"))
    lines = [
        *rows(track.get("tracking_history")),
        *([latest] if (latest := table(track.get("tracking_status"))) else []),
    ]
    if number is None or not lines:
        return None
    told = [[line.get(name) for name in LINE] for line in lines], [track.get(name) for name in TOLD]
    return asking.state(f"tracks/{carrier or ''}/{number}", msgspec.json.encode(told, order="deterministic"))
