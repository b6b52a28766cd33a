"""What WhatsApp posts: how a message fares, what people write back, and the question whether the address is ours
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.parts.bodies.tables import load_table
from connectors.parts.senders.signing import hex_hmac, refusal
from connectors.parts.sending.error_table import fate
from connectors.parts.sending.http_answer import spoken
from connectors.parts.sending.mail_receipts import about_many, receipt
from connectors.parts.sending.short_text import wished
from connectors.parts.values.loose import rows, table, text
from connectors.parts.values.times import from_unix
from engine.contracts import Delivery, EndpointSeen, Reading, Receipt, Refused, Unreadable, Verified

HEADER = "x-hub-signature-256"
_TABLE = load_table(Path(__file__).with_name("errors.yaml"))
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """sha256=<hex HMAC-SHA256 of the raw body by the app secret>
    (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validating-payloads)."""
    given = delivery.headers.get(HEADER, "")
    found = refusal(delivery.body, given.removeprefix("sha256=") or None, secrets, HEADER, hex_hmac)
    return found or identify(delivery)


def greet(delivery: Delivery, secrets: Mapping[str, Sequence[str]]) -> str | None:
    """Meta asks once, by GET, with the verify token that the operator has typed there; the challenge is said back."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(delivery.url).query).items()}
    token, challenge = asked.get("hub.verify_token", ""), asked.get("hub.challenge", "")
    known = [one.encode() for one in secrets.get("verify_token", ()) if one]
    fits = [hmac.compare_digest(token.encode(), one) for one in known]
    if asked.get("hub.mode") != "subscribe" or not any(fits) or not _CHALLENGE.fullmatch(challenge):
        return None
    return challenge


def identify(delivery: Delivery) -> Verified:
    """The statuses and messages that it tells of, by their ids."""
    values = list(_values(spoken(delivery.body)))
    ids = [
        f"{text(one.get('id'))} {text(one.get('status'))}" for value in values for one in rows(value.get("statuses"))
    ]
    ids += [f"{text(one.get('id'))}" for value in values for one in rows(value.get("messages"))]
    if not ids:
        return Verified(topic="other")
    return Verified(key=" ".join(ids) if "None" not in " ".join(ids) else None, topic="messages")


def read(delivery: Delivery) -> Reading:
    """Receipts of statuses, wishes of people. Raises Unreadable."""
    body = spoken(delivery.body)
    if not isinstance(body.get("entry"), list):
        raise Unreadable("entry: expected an array")
    receipts, endpoints, unmapped = list[Receipt](), list[EndpointSeen](), list[str]()
    for value in _values(body):
        for one in rows(value.get("statuses")):
            word = (text(one.get("status")) or "").lower()
            if word not in _TABLE["statuses"]:
                unmapped.append(word[:64] or "none")
            elif found := _receipt(one, word, delivery.received_at):
                receipts.append(found)
        for one in rows(value.get("messages")):
            if seen := _wished(one, delivery.received_at):
                endpoints.append(seen)
    return about_many(receipts, endpoints, unmapped)


def _receipt(one: Mapping[str, Any], word: str, received: datetime) -> Receipt | None:
    message, _, merchant = (text(one.get("biz_opaque_callback_data")) or "").partition(" ")
    wrong = next(iter(rows(one.get("errors"))), {})
    code = text(wrong.get("code"))
    detail = text(table(wrong.get("error_data")).get("details")) or text(wrong.get("title"))
    at = from_unix(one.get("timestamp")) or received
    ours = {"message": message, "merchant": merchant}
    return receipt(ours, fate(_TABLE, word, code), at, code=code or word, detail=detail)


def _wished(one: Mapping[str, Any], received: datetime) -> EndpointSeen | None:
    """STOP as a text, or a button of the template that says so."""
    said = text(table(one.get("text")).get("body")) or text(table(one.get("button")).get("text"))
    address = f"+{(text(one.get('from')) or '').removeprefix('+')}"
    return wished("whatsapp", address, said, from_unix(one.get("timestamp")) or received)


def _values(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in rows(body.get("entry")):
        for change in rows(entry.get("changes")):
            yield table(change.get("value"))
