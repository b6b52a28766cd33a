"""What AWS tells by SNS about an SMS, and what people write back to a two-way number
(https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html,
https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.tables import load_table
from connectors.parts.senders.sns import confirmation, envelope, identify, message
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.sending.short_text import answered
from connectors.parts.values.loose import table, text
from connectors.parts.values.times import from_unix, moment
from engine.contracts import Delivery, Reading

__all__ = ["identify", "read"]
STATUSES: Mapping[str, str] = load_table(Path(__file__).with_name("status_map.yaml"))["statuses"]


def read(delivery: Delivery) -> Reading:
    """One event, or one message of a person; a subscription of our topic is confirmed. Raises Unreadable."""
    told = envelope(delivery)
    if told.get("Type") != "Notification":
        return confirmation(delivery, told)
    at = moment(told.get("Timestamp"), "UTC") or delivery.received_at
    event = message(told)
    if "messageBody" in event:
        return answered(text(event.get("originationNumber")) or "", text(event.get("messageBody")), at)
    return _event(event, at)


def _event(event: Mapping[str, Any], at: datetime) -> Reading:
    word = (text(event.get("messageStatus")) or (text(event.get("eventType")) or "").removeprefix("TEXT_")).lower()
    status = STATUSES.get(word)
    if status is None:
        return Reading(ignored="an event without a status that we know", unmapped=(word[:64],) if word else ())
    since = event.get("eventTimestamp")
    happened = from_unix(since / 1000) if isinstance(since, int | float) else None
    context, words = table(event.get("context")), text(event.get("messageStatusDescription"))
    found = receipt(context, status, happened or at, code=word.upper(), detail=words)
    return about_one(found, f"{word}: nothing of a message of ours")
