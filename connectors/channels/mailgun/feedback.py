"""What Mailgun posts about a mail (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks).

The signature covers a time and a token, not the event: a token that was seen before is a replay, so it is the key of
the delivery, and an old one is refused."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.parts.bodies.jsonbody import glance, load_object
from connectors.parts.bodies.statusmap import load, meaning
from connectors.parts.senders.signing import any_fits
from connectors.parts.sending.machines import machine
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.values.loose import first, number, table, text
from connectors.parts.values.times import from_unix
from engine.contracts import Delivery, Reading, Refused, Unreadable, Verified

OLDEST = timedelta(hours=24)  # it repeats what was not taken for 8 hours
AHEAD = timedelta(minutes=5)
_STATUSES = load(Path(__file__).parent)


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """hex HMAC-SHA256 of timestamp and token, with the HTTP webhook signing key."""
    usable = [one for one in secrets if one]
    if not usable:
        return Refused(reason="the connection has no webhook_key: it stands as HTTP webhook signing key at Mailgun")
    try:
        told = table(load_object(delivery.body).get("signature"))
    except Unreadable as broken:
        return Refused(reason=f"no signature can be read: {broken}")
    stamp, token, given = (text(told.get(name)) or "" for name in ("timestamp", "token", "signature"))
    at = from_unix(stamp)
    if not token or not given or at is None:
        return Refused(reason="the signature lacks its timestamp, token or value")
    if not -AHEAD <= now - at <= OLDEST:
        return Refused(reason="the signature's timestamp is too far from now: a replay, or a wrong clock")
    signed = f"{stamp}{token}".encode()
    if any_fits([given.encode()], [hmac.digest(one.encode(), signed, "sha256").hex().encode() for one in usable]):
        return identify(delivery)
    return Refused(reason="the signature does not fit: check webhook_key")


def identify(delivery: Delivery) -> Verified:
    """Its token."""
    body = glance(delivery.body)
    topic = text(table(body.get("event-data")).get("event"))
    return Verified(key=text(table(body.get("signature")).get("token")), topic=topic)


def read(delivery: Delivery) -> Reading:
    """One event. Raises Unreadable."""
    event = table(load_object(delivery.body).get("event-data"))
    kind = text(event.get("event")) or ""
    fields, unmapped = _meaning(kind, event)
    delivery_status, client = table(event.get("delivery-status")), table(event.get("client-info"))
    at = number(event.get("timestamp"))
    found = receipt(
        table(event.get("user-variables")), fields.get("status"), from_unix(float(at)) if at is not None else None,
        code=first(delivery_status.get("enhanced-code"), delivery_status.get("code"), event.get("reason"), kind),
        detail=first(
            delivery_status.get("message"), delivery_status.get("description"),
            table(event.get("reject")).get("reason"), event.get("reason"),
        ),
        machine=kind in {"opened", "clicked"} and (bool(text(client.get("bot"))) or machine(client.get("user-agent"))),
    )  # fmt: skip
    return about_one(found, f"{kind or 'an event without a name'} tells nothing of a message of ours", unmapped)


def _meaning(kind: str, event: Mapping[str, Any]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    if kind != "failed":
        return meaning(_STATUSES["events"], kind)
    fields, unmapped = meaning(_STATUSES["failures"], event.get("severity"))
    if fields.get("status") == "bounced":
        other, _ = meaning(_STATUSES["others"], event.get("reason"))
        fields = other or fields
    return fields or {"status": "undelivered"}, unmapped
