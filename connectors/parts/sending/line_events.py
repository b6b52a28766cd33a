"""What LINE posts to the account's webhook (https://developers.line.biz/en/reference/messaging-api/#webhooks)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.parts.senders.signing import refusal
from connectors.parts.values.loose import rows, table, text
from connectors.parts.values.times import from_unix
from engine.contracts import Delivery, EndpointSeen, Feedback, Reading, Receipt, Refused, Unreadable, Verified
from engine.model.link_code import code_in

HEADER = "x-line-signature"
ASKS = "todoke:link"  # what the button of an invitation sends back, for another one
_PART = re.compile(r"[A-Za-z0-9_-]{1,200}")


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
    """Friends who come and go, accounts that are linked, people who write to us, notification messages that arrived.
    Who may be invited to link an account is for the setting `invite` to say. Raises Unreadable."""
    receipts, endpoints, fetch, other = list[Receipt](), list[EndpointSeen](), list[str](), list[str]()
    for event in _events(delivery):
        found = list(_said(event, delivery.config.get("invite", "no")))
        receipts += [one for one in found if isinstance(one, Receipt)]
        endpoints += [one for one in found if isinstance(one, EndpointSeen)]
        fetch += [one for one in found if isinstance(one, str)]
        if not found:
            other.append(f"a {text(event.get('type')) or 'nameless'} event is not used")
    said = receipts or endpoints or fetch
    return Reading(
        receipts=tuple(receipts), endpoints=tuple(endpoints), fetch=tuple(dict.fromkeys(fetch)),
        ignored=None if said else "; ".join(dict.fromkeys(other)) or "no events",
    )  # fmt: skip


def _said(event: Mapping[str, Any], invite: str) -> Iterator[Receipt | EndpointSeen | str]:
    at = _moment(event.get("timestamp"))
    source = table(event.get("source"))
    user = text(source.get("userId"))
    if at is None:
        return
    answer = _answer(event, user) if source.get("type") == "user" and user else None
    match text(event.get("type")):
        case "follow" if user:
            invited = answer if invite in {"follow", "always"} else None
            yield EndpointSeen(medium="line", address=user, as_of=at, status="back", answer=invited)
        case "unfollow" if user:
            yield EndpointSeen(medium="line", address=user, as_of=at, status="left", detail="unfollow")
        case "accountLink" if user:
            link = table(event.get("link"))
            nonce = text(link.get("nonce"))
            if link.get("result") == "ok" and nonce:
                yield EndpointSeen(medium="line", address=user, as_of=at, status="linked", nonce=nonce, answer=answer)
        case "message" if user and source.get("type") == "user":  # what is said in a group is nobody's word to us
            code = code_in(text(table(event.get("message")).get("text")) or "")
            if code:
                yield EndpointSeen(medium="line", address=user, as_of=at, status="linked", nonce=code, answer=answer)
            elif answer and invite == "always":
                yield EndpointSeen(medium="line", address=user, as_of=at, status="wrote", answer=answer)
        case "postback" if answer and invite != "no" and table(event.get("postback")).get("data") == ASKS:
            yield f"stranger:{answer}"
        case "delivery":
            # data is the tag that we gave the notification message
            if tag := text(table(event.get("delivery")).get("data")):
                yield Receipt(message=tag, as_of=at, status="delivered", code="delivery")


def _answer(event: Mapping[str, Any], user: str) -> str | None:
    """By what the user can be answered, once and soon. Not while another module speaks for the account (standby)."""
    token = text(event.get("replyToken"))
    if not token or event.get("mode") == "standby" or not _PART.fullmatch(token) or not _PART.fullmatch(user):
        return None
    return f"{user}:{token}"


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


FEEDBACK = Feedback(verify=verify, read=read, identify=identify, secret="channel_secret")  # noqa: S106 a name
