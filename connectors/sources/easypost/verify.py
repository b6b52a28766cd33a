"""Is a delivery from EasyPost?

https://docs.easypost.com/docs/webhooks (HMAC validation): `x-hmac-signature` is "hmac-sha256-hex=" and the hex
HMAC-SHA256 of the raw body under the webhook's secret, which is brought to Unicode's form NFKD first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from connectors.parts.bodies.jsonbody import glance
from connectors.parts.senders.signing import hex_hmac, refusal
from connectors.parts.values.loose import identity, text
from engine.contracts import Delivery, Refused, Verified

HEADER = "x-hmac-signature"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active secret. The key is the event's id, the same over EasyPost's retries."""
    refused = refusal(delivery.body, delivery.headers.get(HEADER), secrets, HEADER, _sign)
    return refused or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Id and topic as the body tells them; neither where the body is no event."""
    event = glance(delivery.body)
    if event.get("object") not in ("Event", None) or text(event.get("description")) is None:
        return Verified()
    return Verified(key=identity(event.get("id")), topic=text(event.get("description")))


def _sign(body: bytes, secret: str) -> bytes:
    return b"hmac-sha256-hex=" + hex_hmac(body, unicodedata.normalize("NFKD", secret))
