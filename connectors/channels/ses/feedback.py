"""What SES tells by SNS about a mail
(https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load, meaning
from connectors.parts.senders.sns import confirmation, envelope, identify, message
from connectors.parts.sending.machines import machine
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.values.loose import first, rows, table
from connectors.parts.values.times import moment
from engine.contracts import Delivery, Reading

__all__ = ["identify", "read"]
_STATUSES = load(Path(__file__).parent)
_PARTS = {"rendering failure": "failure", "deliverydelay": "deliveryDelay"}  # the rest is called as its event
_HEADER = "x-todoke-message"
Meaning = tuple[Mapping[str, str], tuple[str, ...]]


def read(delivery: Delivery) -> Reading:
    """One notification; a subscription of our topic that asks to be confirmed is confirmed. Raises Unreadable."""
    told = envelope(delivery)
    return _event(message(told)) if told.get("Type") == "Notification" else confirmation(delivery, told)


def _event(event: Mapping[str, Any]) -> Reading:
    # Event publishing says eventType; feedback of an identity notificationType, and has no tags.
    kind = (first(event.get("eventType"), event.get("notificationType")) or "").lower()
    part, sent = table(event.get(_PARTS.get(kind, kind))), table(event.get("mail"))
    fields, unmapped = _meaning(kind, part)
    at = moment(part.get("timestamp"), "UTC") or moment(sent.get("timestamp"), "UTC")
    said = next((one for name in ("bouncedRecipients", "delayedRecipients") for one in rows(part.get(name))), {})
    found = receipt(
        _told(sent), fields.get("status"), at,
        code=first(said.get("status"), part.get("complaintFeedbackType"), part.get("bounceSubType"), kind),
        detail=first(
            said.get("diagnosticCode"), part.get("smtpResponse"), part.get("reason"), part.get("errorMessage"),
            part.get("delayType"), part.get("bounceSubType"), part.get("complaintSubType"),
        ),
        machine=kind in {"open", "click"} and _by_machine(kind, part, at, moment(sent.get("timestamp"), "UTC")),
    )  # fmt: skip
    return about_one(found, f"{kind or 'an event without a type'} tells nothing of a message of ours", unmapped)


def _meaning(kind: str, part: Mapping[str, Any]) -> Meaning:
    match kind:
        case "bounce":
            fields, unmapped = meaning(_STATUSES["bounces"], part.get("bounceType"))
            closer = "others" if fields.get("status") == "bounced" else "transients"
            other, _ = meaning(_STATUSES[closer], part.get("bounceSubType"))
            return other or fields or {"status": "undelivered"}, unmapped
        case "complaint" if part.get("complaintFeedbackType") == "not-spam":
            return {}, ()  # somebody has taken the mail out of the junk folder
        case "complaint" if part.get("complaintSubType"):
            return {"status": "undelivered"}, ()  # of a complaint before: this mail was not sent
    return meaning(_STATUSES["events"], kind)


def _by_machine(kind: str, part: Mapping[str, Any], at: datetime | None, sent_at: datetime | None) -> bool:
    after = at - sent_at if kind == "click" and at and sent_at else None
    return machine(part.get("userAgent"), after=after)


def _told(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Our tags, each a list of one; else our id from the headers of the mail, where SES gives them back."""
    tags = table(sent.get("tags"))
    found = {name: value[0] if isinstance(value, list) and value else None for name, value in tags.items()}
    if not found.get("message"):
        headers = (one for one in rows(sent.get("headers")) if str(one.get("name")).lower() == _HEADER)
        found["message"] = next((one.get("value") for one in headers), None)
    return found
