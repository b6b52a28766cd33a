"""What Twilio posts: how a message fares, and what people write back
(https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks,
https://www.twilio.com/docs/messaging/guides/webhook-request)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from connectors.parts.bodies.tables import load_table
from connectors.parts.senders.signing import NO_SECRET, any_fits
from connectors.parts.sending.error_table import fate
from connectors.parts.sending.http_answer import spoken
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.sending.short_text import answered
from engine.contracts import Delivery, Reading, Refused, Verified

HEADER = "x-twilio-signature"
_TABLE = load_table(Path(__file__).with_name("errors.yaml"))
_WORDS = frozenset({"STOP", "START"})


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """base64 HMAC-SHA1, by the auth token, of the address as Twilio knows it and the sorted form; a JSON body is in the
    address by its SHA-256 (https://www.twilio.com/docs/usage/security#validating-requests)."""
    usable = [one for one in secrets if one]
    if not usable:
        return Refused(reason=NO_SECRET.replace("secret=", "auth_token="))
    given = delivery.headers.get(HEADER, "")
    if not given:
        return Refused(reason=f"the header {HEADER} is missing")
    covered = _covered(delivery)
    if covered is None:
        return Refused(reason="bodySHA256 in the address does not fit the body")
    expected = [
        b64encode(hmac.digest(secret.encode(), f"{url}{covered}".encode(errors="surrogateescape"), "sha1"))
        for secret in usable
        for url in _urls(delivery.url)
    ]
    if not any_fits([given.strip().encode(errors="surrogateescape")], expected):
        what = "check auth_token, and that TODOKE_BASE_URL is the address that Twilio calls"
        return Refused(reason=f"{HEADER} does not fit: {what}")
    return identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """A status of a message is one delivery, however often it is told. Our ids stand in the address, which is not
    kept: they are its topic."""
    form = _form(delivery)
    sid, status = form.get("MessageSid") or form.get("SmsSid") or "", _status(form)
    key = f"{sid} {status} {form.get('ErrorCode', '')}".strip() if sid else None
    asked = parse_qs(urlsplit(delivery.url).query)
    ours = [asked.get(name, [""])[0][:80] for name in ("message", "merchant")]
    return Verified(key=key, topic=" ".join(("status", *ours)) if ours[0] else delivery.topic or "message")


def read(delivery: Delivery) -> Reading:
    """One receipt, or one wish of a person."""
    form = _form(delivery)
    status, code = _status(form), form.get("ErrorCode") or None
    if status == "received" or (form.get("Body") is not None and not delivery.topic):
        # OptOutType is told where Twilio itself keeps the list (Advanced Opt-Out), in whatever language it was said.
        told = form.get("OptOutType", "").upper()
        said = told if told in _WORDS else form.get("Body")
        return answered(form.get("From", ""), said, delivery.received_at)
    kind, _, ids = (delivery.topic or "").partition(" ")
    message, _, merchant = ids.partition(" ")
    known = fate(_TABLE, status, code)
    if kind != "status" or not message:
        return Reading(ignored="a status of a message that is not ours")
    if known is None:
        return Reading(ignored="a status without a word that we know", unmapped=(status,) if status else ())
    ours = {"message": message, "merchant": merchant}
    found = receipt(ours, known, delivery.received_at, code=code or status, detail=form.get("ErrorMessage"))
    return about_one(found, "no id of ours in the address")


def _status(form: Mapping[str, str]) -> str:
    return (form.get("MessageStatus") or form.get("SmsStatus") or "").lower()[:40]


def _form(delivery: Delivery) -> dict[str, str]:
    if _is_json(delivery):
        return {name: str(value) for name, value in spoken(delivery.body).items() if value is not None}
    return dict(_pairs(delivery.body))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape")
    except ValueError:
        return []


def _is_json(delivery: Delivery) -> bool:
    return "json" in delivery.headers.get("content-type", "").lower()


def _covered(delivery: Delivery) -> str | None:
    """What is signed beside the address; None when the digest in the address is not the body's."""
    asked = parse_qs(urlsplit(delivery.url).query).get("bodySHA256", [])
    if asked:
        fits = hmac.compare_digest(asked[0].lower().encode(), sha256(delivery.body).hexdigest().encode())
        return "" if fits else None
    return "".join(f"{name}{value}" for name, value in sorted(set(_pairs(delivery.body))))


def _urls(url: str) -> tuple[str, ...]:
    """The address, without its port and with it: Twilio signs either (its libraries try both)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    named = [host, f"{host}:{port}"]
    return (url, *(urlunsplit(parts._replace(netloc=one)) for one in named))
