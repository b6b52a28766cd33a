"""What Vonage posts: statuses and inbound messages of the Messages API, delivery receipts of the SMS API
(https://developer.vonage.com/en/messages/concepts/messages-status-callbacks,
https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from connectors.parts.bodies.tables import load_table
from connectors.parts.senders.signing import bearer, token_in_url
from connectors.parts.sending.error_table import fate
from connectors.parts.sending.http_answer import spoken
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.sending.short_text import answered
from connectors.parts.values.loose import table, text
from connectors.parts.values.times import from_unix, moment
from engine.contracts import Delivery, Reading, Refused, Unreadable, Verified

_TABLE = load_table(Path(__file__).with_name("errors.yaml"))
_OLD = timedelta(days=2)  # a webhook is tried again for a day


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """A token of HS256 by the signature secret, with the SHA-256 of the body in it. Where an account does not sign (the
    SMS API, unless it is asked to), the signature secret as ?token= of the address."""
    token = bearer(delivery.headers.get("authorization"))
    if token is None:
        return token_in_url(delivery.url, secrets) or identify(delivery)
    usable = [one.encode() for one in secrets if one]
    if not usable:
        return Refused(reason="the connection has no signature_secret: set it with signature_secret=...")
    head, _, given = token.rpartition(b".")
    told, claims = (_decoded(part) for part in (head.partition(b".")[0], head.partition(b".")[2]))
    if told.get("alg") != "HS256":
        return Refused(reason="authorization is not a token of HS256")
    fits = [hmac.compare_digest(hmac.digest(one, head, "sha256"), _bytes(given)) for one in usable]
    if not any(fits):
        return Refused(reason="authorization does not fit: check signature_secret")
    payload = str(claims.get("payload_hash") or "").lower()
    if not hmac.compare_digest(payload.encode(errors="replace"), sha256(delivery.body).hexdigest().encode()):
        return Refused(reason="payload_hash does not fit the body")
    made = from_unix(claims.get("iat"))
    if made is None or abs(now - made) > _OLD:
        return Refused(reason="the token is too old, or of no time")
    return identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """One status of one message."""
    try:
        told = _told(delivery)
    except Unreadable:
        return Verified()
    uuid = text(told.get("message_uuid")) or text(told.get("messageId")) or text(told.get("message-id"))
    status = text(told.get("status")) or ("inbound" if "text" in told else "")
    code = text(told.get("err-code")) or ""
    return Verified(key=f"{uuid} {status} {code}".strip() if uuid and status else None, topic=status or None)


def read(delivery: Delivery) -> Reading:
    """One receipt, or one wish of a person. Raises Unreadable."""
    told = _told(delivery)
    at = _moment(told) or delivery.received_at
    status = (text(told.get("status")) or "").lower()
    if not status:
        who = text(told.get("from")) or text(told.get("msisdn")) or ""
        return answered(f"+{who.removeprefix('+')}", text(told.get("text")), at)
    code, detail = _reason(told)
    known = fate(_TABLE, status, code)
    if known is None:
        return Reading(ignored="a status without a word that we know", unmapped=(status[:64],))
    message, _, merchant = (text(told.get("client_ref")) or text(told.get("client-ref")) or "").partition(" ")
    ours = {"message": message, "merchant": merchant}
    found = receipt(ours, known, at, code=code or status, detail=detail)
    return about_one(found, "no client reference of ours")


def _reason(told: Mapping[str, Any]) -> tuple[str | None, str | None]:
    error = table(told.get("error"))
    title = text(error.get("title")) or ""
    code = title if title.isdigit() else (text(error.get("type")) or "").rpartition("#")[2]
    own = text(told.get("err-code"))
    return (code or (own if own != "0" else None) or None), text(error.get("detail"))


def _moment(told: Mapping[str, Any]) -> datetime | None:
    named = moment(told.get("timestamp"), "UTC") or moment(told.get("message-timestamp"), "UTC")
    if named is not None or "scts" not in told:
        return named
    try:
        return datetime.strptime(str(told["scts"]), "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None


def _told(delivery: Delivery) -> Mapping[str, Any]:
    if found := spoken(delivery.body):
        return found
    try:
        form = dict(parse_qsl(delivery.body.decode(), keep_blank_values=True))
    except (ValueError, UnicodeDecodeError):
        form = {}
    if not form.keys() & {"messageId", "message-id", "msisdn"}:
        raise Unreadable("the body is neither a JSON object nor a delivery receipt")
    return form


def _decoded(part: bytes) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(_bytes(part))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(part: bytes) -> bytes:
    try:
        return urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError:
        return b""
