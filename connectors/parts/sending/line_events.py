"""What LINE posts to the account's webhook (https://developers.line.biz/en/reference/messaging-api/#webhooks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.parts.senders.signing import refusal
from connectors.parts.values.loose import rows, table, text
from connectors.parts.values.times import from_unix
from engine.contracts import Delivery, EndpointSeen, Reading, Receipt, Refused, Unreadable, Verified

HEADER = "x-line-signature"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """base64 HMAC-SHA256 of the raw body by the channel secret
    (https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/). LINE signs no time: a delivery that
    comes again is known by the ids of its events."""
    return refusal(delivery.body, delivery.headers.get(HEADER), secrets, HEADER) or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """The ids of the events (ULIDs); a body without events is how LINE tries the address out."""
    try:
        events = _events(delivery)
    except Unreadable:
        return Verified()
    if not events:
        return Verified(ignore="no events")
    ids = [text(one.get("webhookEventId")) for one in events]
    return Verified(key=" ".join(one for one in ids if one) if all(ids) else None, topic=text(events[0].get("type")))


def read(delivery: Delivery) -> Reading:
    """Friends who come and go, accounts that were linked, notification messages that arrived. Raises Unreadable."""
    receipts, endpoints, other = list[Receipt](), list[EndpointSeen](), list[str]()
    for event in _events(delivery):
        found = list(_said(event))
        receipts += [one for one in found if isinstance(one, Receipt)]
        endpoints += [one for one in found if isinstance(one, EndpointSeen)]
        if not found:
            other.append(f"a {text(event.get('type')) or 'nameless'} event is not used")
    return Reading(
        receipts=tuple(receipts), endpoints=tuple(endpoints),
        ignored=None if receipts or endpoints else "; ".join(dict.fromkeys(other)) or "no events",
    )  # fmt: skip


def _said(event: Mapping[str, Any]) -> Iterator[Receipt | EndpointSeen]:
    at = _moment(event.get("timestamp"))
    user = text(table(event.get("source")).get("userId"))
    if at is None:
        return
    match text(event.get("type")):
        case "follow" if user:
            yield EndpointSeen(medium="line", address=user, as_of=at, status="back")
        case "unfollow" if user:
            yield EndpointSeen(medium="line", address=user, as_of=at, status="left", detail="unfollow")
        case "accountLink" if user:
            link = table(event.get("link"))
            nonce = text(link.get("nonce"))
            if link.get("result") == "ok" and nonce:
                yield EndpointSeen(medium="line", address=user, as_of=at, status="linked", nonce=nonce)
        case "delivery":
            # data is the tag that we gave the notification message
            if tag := text(table(event.get("delivery")).get("data")):
                yield Receipt(message=tag, as_of=at, status="delivered", code="delivery")


def _moment(milliseconds: object) -> datetime | None:
    return from_unix(milliseconds / 1000) if isinstance(milliseconds, int | float) else None


def _events(delivery: Delivery) -> list[Mapping[str, Any]]:
    try:
        body = msgspec.json.decode(delivery.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("the body is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("events"), list):
        raise Unreadable("events: expected an array")
    return rows(body["events"])
