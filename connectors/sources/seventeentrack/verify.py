"""Is a delivery from 17TRACK?

https://asset.17track.net/api/document/v2.4_en/index.html (webhook): the header `sign` is the hex SHA-256 of the raw
body, a slash and the API key. It is a plain digest, no HMAC; the key at its end keeps it from being extended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.senders.signing import refusal
from connectors.parts.talk import asking
from connectors.parts.values.loose import raw_status, rows, table, text
from engine.contracts import Delivery, Refused, Verified

HEADER = "sign"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active key. There is no delivery id: a state of a parcel has a key of its own,
    which a poll gives it too."""
    given = (delivery.headers.get(HEADER) or "").lower()
    return refusal(delivery.body, given, secrets, HEADER, _sign) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Event and state as the body tells them."""
    body = glance(delivery.body)
    event = text(body.get("event"))
    stopped = raw_status(event) == "tracking_stopped"
    return Verified(key=None if stopped else state(table(body.get("data"))), topic=event)


def state(data: Mapping[str, Any]) -> str | None:
    """The key of what is told about a number: 17TRACK's digests of its events, and what they leave out (where the
    parcel stands, when it is expected). None without events."""
    info = table(data.get("track_info"))
    tracking = table(info.get("tracking"))
    hashes = [one.get("events_hash") for one in rows(tracking.get("providers"))]
    number = text(data.get("number"))
    if number is None or not any(isinstance(one, int | str) for one in hashes):
        return None
    more = [hashes, info.get("latest_status"), table(info.get("time_metrics")).get("estimated_delivery_date")]
    name = f"trackings/{text(data.get('carrier')) or 0}/{number}"
    return asking.state(name, msgspec.json.encode(more, order="deterministic"))


def _sign(body: bytes, key: str) -> bytes:
    return sha256(body + b"/" + key.encode()).hexdigest().encode()
