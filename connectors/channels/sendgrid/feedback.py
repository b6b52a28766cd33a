"""What SendGrid posts: arrays of events, signed with its key
(https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.parts.bodies.jsonbody import load as load_json
from connectors.parts.bodies.statusmap import load, meaning
from connectors.parts.sending.machines import machine
from connectors.parts.sending.mail_receipts import enhanced, receipt
from connectors.parts.values.loose import first, rows, text
from connectors.parts.values.times import from_unix
from engine.contracts import Delivery, Reading, Receipt, Refused, Unreadable, Verified

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_STATUSES = load(Path(__file__).parent)
Meaning = tuple[Mapping[str, str], tuple[str, ...]]


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """ECDSA over timestamp and raw body. How old a timestamp may be is not said, and events are repeated for a day; one
    that comes again is known by the ids of its events."""
    if not any(secrets):
        return Refused(reason="the connection has no webhook_key: it stands with the Signed Event Webhook at SendGrid")
    signature, stamp = delivery.headers.get(SIGNATURE), delivery.headers.get(TIMESTAMP)
    if not signature or not stamp:
        return Refused(reason=f"{SIGNATURE if not signature else TIMESTAMP} is missing: switch Signed Event Webhook on")
    try:
        given = b64decode(signature, validate=True)
    except ValueError:
        return Refused(reason=f"{SIGNATURE} is not base64")
    keys = [key for one in secrets if (key := _key(one)) is not None]
    if not keys:
        return Refused(reason="webhook_key is not the key that SendGrid shows: base64 of a public key")
    if any(_fits(key, given, stamp.encode() + delivery.body) for key in keys):
        return identify(delivery)
    return Refused(reason=f"{SIGNATURE} does not fit the body: check webhook_key")


def identify(delivery: Delivery) -> Verified:
    """The ids of the events."""
    try:
        ids = [text(one.get("sg_event_id")) for one in _events(delivery)]
    except Unreadable:
        return Verified()
    return Verified(key=" ".join(one for one in ids if one) if ids and all(ids) else None)


def read(delivery: Delivery) -> Reading:
    """Events of any number of mails. Raises Unreadable."""
    receipts, unmapped, other = list[Receipt](), list[str](), list[str]()
    for event in _events(delivery):
        fields, strange = _meaning(event)
        unmapped += strange
        kind = text(event.get("event")) or "an event without a name"
        found = receipt(
            event, fields.get("status"), from_unix(event.get("timestamp")),
            code=first(event.get("status"), event.get("type"), kind),
            detail=first(event.get("reason"), event.get("response")), machine=_machine(kind, event),
        )  # fmt: skip
        if found is None:
            other.append(f"{kind} tells nothing of a message of ours")
        else:
            receipts.append(found)
    ignored = None if receipts else "; ".join(dict.fromkeys(other)) or "no events"
    return Reading(receipts=tuple(receipts), unmapped=tuple(dict.fromkeys(unmapped)), ignored=ignored)


def _meaning(event: Mapping[str, Any]) -> Meaning:
    match event.get("event"):
        case "bounce":
            if event.get("type") is None:  # as in old accounts: only its status tells
                dead = enhanced(text(event.get("status"))).startswith("5.1.")
                return {"status": "bounced" if dead else "undelivered"}, ()
            return _or_undelivered(meaning(_STATUSES["bounces"], event.get("type")))
        case "dropped":
            return _or_undelivered(meaning(_STATUSES["dropped"], event.get("reason")))
        case "group_resubscribe" | "account_status_change":
            return {}, ()
    return meaning(_STATUSES["events"], event.get("event"))


def _or_undelivered(found: Meaning) -> Meaning:
    return found[0] or {"status": "undelivered"}, found[1]


def _machine(kind: str, event: Mapping[str, Any]) -> bool:
    if kind not in {"open", "click"}:
        return False
    return event.get("sg_machine_open") is True or machine(event.get("useragent"))


@lru_cache(maxsize=64)
def _key(text: str) -> EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except ValueError:
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _fits(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _events(delivery: Delivery) -> list[Mapping[str, Any]]:
    body = load_json(delivery.body)
    if not isinstance(body, list):
        raise Unreadable("the body is not an array of events")
    return rows(body)
