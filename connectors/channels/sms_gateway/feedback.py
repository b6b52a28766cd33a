"""What a gateway posts, as its description says. None of them signs: the secret stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from connectors.channels.sms_gateway.gateway import Expression, Gateway, gateway_of
from connectors.parts.senders.signing import token_in_url
from connectors.parts.sending.mail_receipts import about_many, receipt
from connectors.parts.sending.short_text import wished
from connectors.parts.values.loose import text
from connectors.parts.values.times import from_unix, moment
from engine.contracts import Delivery, EndpointSeen, Reading, Receipt, Refused, Unreadable, Verified


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """?token=<secret> in the address, and nothing else."""
    return token_in_url(delivery.url, secrets) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Known by what it says: the same status told twice is one."""
    return Verified(by="token")


def read(delivery: Delivery) -> Reading:
    """Receipts, and wishes of people who have written back. Raises Unreadable, also for a description that cannot be
    used."""
    gateway, body = gateway_of(delivery.config), _body(delivery)
    receipts, endpoints, unmapped = list[Receipt](), list[EndpointSeen](), list[str]()
    for one in _each(gateway.receipts, body) if gateway.receipts else ():
        word = (_told(gateway.receipts, "status", one) or "").lower()
        meaning = gateway.statuses.get(word)
        if meaning is None and word:
            unmapped.append(word[:64])
        elif found := _receipt(gateway, one, meaning, word, delivery.received_at):
            receipts.append(found)
    for one in _each(gateway.replies, body) if gateway.replies else ():
        if seen := _wished(gateway, one, delivery.received_at):
            endpoints.append(seen)
    return about_many(receipts, endpoints, unmapped)


def _receipt(gateway: Gateway, one: Any, meaning: str | None, word: str, received: datetime) -> Receipt | None:
    told = {name: _told(gateway.receipts, name, one) for name in ("message", "merchant")}
    at = _told(gateway.receipts, "at", one)
    code = _told(gateway.receipts, "code", one) or word
    return receipt(told, meaning, _moment(at, gateway.zone) or received, code=code)


def _wished(gateway: Gateway, one: Any, received: datetime) -> EndpointSeen | None:
    said, who = _told(gateway.replies, "text", one), _told(gateway.replies, "from", one) or ""
    digits = "".join(char for char in who if char.isdigit())
    return wished("sms", f"+81{digits[1:]}" if digits.startswith("0") else f"+{digits}", said, received)


def _each(told: Mapping[str, Expression], body: Any) -> list[Any]:
    found = told["each"].of(body) if "each" in told else body
    return [one for one in (found if isinstance(found, list) else [found]) if one is not None]


def _told(told: Mapping[str, Expression], name: str, one: Any) -> str | None:
    return text(told[name].of(one)) if name in told else None


def _moment(at: str | None, zone: str) -> datetime | None:
    """ISO 8601, "2026/11/22 10:00:00", 14 digits of a moment, or seconds."""
    if at is None:
        return None
    if at.isdigit() and len(at) == 14:
        at = f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}:{at[12:]}"
    elif at.isdigit():
        return from_unix(at)
    return moment(at.replace("/", "-"), zone)


def _body(delivery: Delivery) -> Any:
    """JSON, or a form whose names come once."""
    try:
        return msgspec.json.decode(delivery.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        form = dict(parse_qsl(delivery.body.decode(), keep_blank_values=True))
    except (ValueError, UnicodeDecodeError):
        form = {}
    if not form:
        raise Unreadable("the body is neither JSON nor a form")
    return form
