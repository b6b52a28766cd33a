"""What Postmark posts about a mail (https://postmarkapp.com/developer/webhooks/webhooks-overview).

It signs nothing. What it proves is that it knows the address: user and password in it, or a token at its end."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors.parts.bodies.jsonbody import load_object
from connectors.parts.bodies.statusmap import load, meaning
from connectors.parts.senders.signing import any_fits, token_in_url
from connectors.parts.sending.machines import machine
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.values.loose import first, table, text
from connectors.parts.values.times import moment
from engine.contracts import Delivery, Reading, Refused, Unreadable, Verified

_STATUSES = load(Path(__file__).parent)
_TIMES = ("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt")
_DO = "give it webhook_secret=user:password, and Postmark the address https://user:password@..., or ?token= at its end"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Basic authentication by "user:password", or the secret as `token` in the address."""
    usable = [one for one in secrets if one]
    if not usable:
        return Refused(reason=f"the connection has no webhook_secret: {_DO}")
    scheme, _, given = delivery.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        if any_fits(_passwords(given), [one.encode() for one in usable]):
            return identify(delivery)
        return Refused(reason="user and password in the address are not the secret of this connection")
    return token_in_url(delivery.url, usable) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """An event has no id of its own: its kind, mail, time and what it is about name it."""
    try:
        body = load_object(delivery.body)
    except Unreadable:
        return Verified()
    told = [text(body.get(name)) or "" for name in ("RecordType", "MessageID", *_TIMES, "ID", "OriginalLink")]
    key = sha256("\0".join(told).encode()).hexdigest() if told[0] and told[1] else None
    return Verified(key=key, topic=told[0] or None, by="password")


def read(delivery: Delivery) -> Reading:
    """One event. Raises Unreadable."""
    body = load_object(delivery.body)
    kind = text(body.get("RecordType")) or ""
    fields, unmapped = _meaning(kind, body)
    at = next((at for name in _TIMES if (at := moment(body.get(name), "UTC"))), None)
    found = receipt(
        table(body.get("Metadata")), fields.get("status"), at,
        code=first(body.get("Type"), body.get("SuppressionReason"), kind),
        detail=first(body.get("Details"), body.get("Description")),
        machine=kind in {"Open", "Click"} and machine(body.get("UserAgent")),
    )  # fmt: skip
    return about_one(found, f"{kind or 'an event without RecordType'} tells nothing of a message of ours", unmapped)


def _meaning(kind: str, body: Mapping[str, Any]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    match kind:
        case "Bounce":
            fields, unmapped = meaning(_STATUSES["bounces"], body.get("Type"))
            return fields or {"status": "undelivered"}, unmapped
        case "SubscriptionChange":
            if body.get("SuppressSending") is not True:
                return {}, ()  # mail may be sent there again: nothing of ours was undone by it
            return meaning(_STATUSES["suppressions"], body.get("SuppressionReason"))
        case "Inbound":
            return {}, ()
    return meaning(_STATUSES["records"], kind)


def _passwords(given: str) -> list[bytes]:
    """The pair as it was given, and the password by itself: both are ways to write a secret down."""
    try:
        pair = b64decode(given.strip(), validate=True)
    except ValueError:
        return []
    return [pair, pair.partition(b":")[2]]
