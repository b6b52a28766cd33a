"""What Twilio posts: how a message fares, and what people write back
(https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks,
https://www.twilio.com/docs/messaging/guides/webhook-request)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from connectors.parts.bodies.tables import load_table
from connectors.parts.senders.signing import NO_SECRET, any_fits
from connectors.parts.sending.http_answer import spoken
from connectors.parts.sending.mail_receipts import SOFT, receipt
from connectors.parts.sending.short_text import E164, wish
from engine.contracts import Delivery, EndpointSeen, Reading, Refused, Verified

HEADER = "x-twilio-signature"
_TABLE = load_table(Path(__file__).with_name("errors.yaml"))
STATUSES: Mapping[str, str] = _TABLE["statuses"]
DEAD, AWAY = frozenset(_TABLE["dead"]), frozenset(_TABLE["soft"])
_WORDS = {"STOP": "left", "START": "back"}


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
        seen = tuple(_wished(form, delivery.received_at))
        return Reading(endpoints=seen, ignored=None if seen else "a message that asks for nothing")
    kind, _, ours = (delivery.topic or "").partition(" ")
    message, _, merchant = ours.partition(" ")
    known = STATUSES.get(status)
    if kind != "status" or not message:
        return Reading(ignored="a status of a message that is not ours")
    if known is None:
        return Reading(ignored="a status without a word that we know", unmapped=(status,) if status else ())
    if known == "undelivered" and (code in DEAD or code in AWAY):
        known = "bounced" if code in DEAD else SOFT
    told = {"message": message, "merchant": merchant}
    found = receipt(told, known, delivery.received_at, code=code or status, detail=form.get("ErrorMessage"))
    return Reading(receipts=(found,) if found else (), ignored=None if found else "no id of ours in the address")


def _wished(form: Mapping[str, str], at: datetime) -> Iterator[EndpointSeen]:
    """OptOutType is told where Twilio itself keeps the list (Advanced Opt-Out), in whatever language it was said."""
    told = _WORDS.get(form.get("OptOutType", "").upper()) or wish(form.get("Body"))
    address = form.get("From", "")
    if E164.fullmatch(address) and told == "left":
        yield EndpointSeen(medium="sms", address=address, as_of=at, status="left", detail="STOP")
    elif E164.fullmatch(address) and told == "back":
        yield EndpointSeen(medium="sms", address=address, as_of=at, status="back", detail="START")


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
