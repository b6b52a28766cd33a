"""What Resend posts about a mail (https://resend.com/docs/webhooks/event-types), signed as Svix signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.jsonbody import load_object
from connectors.parts.bodies.statusmap import load, meaning
from connectors.parts.senders import standard_webhooks
from connectors.parts.sending.machines import machine
from connectors.parts.sending.mail_receipts import about_one, receipt
from connectors.parts.values.loose import first, table, text
from connectors.parts.values.times import moment
from engine.contracts import Delivery, Reading, Refused, Verified

_STATUSES = load(Path(__file__).parent)
_NAMES = ("id", "timestamp", "signature")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Standard Webhooks under Svix's names of the headers (https://resend.com/docs/webhooks/verify-webhooks-requests)."""
    if not any(one.strip() for one in secrets):
        return Refused(reason="the connection has no webhook_secret: it stands on the webhook's page at Resend")
    return standard_webhooks.verify(_standard(delivery), secrets, now)


def identify(delivery: Delivery) -> Verified:
    """Svix's id, which a retry repeats."""
    return standard_webhooks.identify(_standard(delivery))


def read(delivery: Delivery) -> Reading:
    """One event. Raises Unreadable."""
    body = load_object(delivery.body)
    kind, data = text(body.get("type")) or "", table(body.get("data"))
    family, _, name = kind.partition(".")
    if family != "email" or name == "received":
        return Reading(ignored=f"{kind or 'an event without type'} is not used")
    fields, unmapped = _meaning(name, data)
    at = moment(body.get("created_at"), "UTC") or moment(data.get("created_at"), "UTC")
    seen = table(data.get("click")) or table(data.get("open"))
    found = receipt(
        _told(data.get("tags")), fields.get("status"), at, code=_code(name, data), detail=_detail(data),
        machine=name in {"opened", "clicked"} and machine(seen.get("userAgent")),
    )  # fmt: skip
    return about_one(found, f"{kind} tells nothing of a message of ours", unmapped)


def _meaning(name: str, data: Mapping[str, Any]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    if name != "bounced":
        return meaning(_STATUSES["events"], name)
    bounce = table(data.get("bounce"))
    fields, unmapped = meaning(_STATUSES["bounces"], bounce.get("type"))
    if fields.get("status") == "undelivered":
        fields = meaning(_STATUSES["transients"], bounce.get("subType"))[0] or fields
    return fields or {"status": "undelivered"}, unmapped


def _code(name: str, data: Mapping[str, Any]) -> str:
    bounce = table(data.get("bounce"))
    return " ".join(one for one in (name, text(bounce.get("type")), text(bounce.get("subType"))) if one)


def _detail(data: Mapping[str, Any]) -> str | None:
    why = table(data.get("bounce")) or table(data.get("suppressed")) or table(data.get("failed"))
    diagnosis = why.get("diagnosticCode")
    told = diagnosis if isinstance(diagnosis, list) else [diagnosis]
    return "; ".join(one for one in (first(*told), first(why.get("message"), why.get("reason"))) if one) or None


def _told(tags: object) -> Mapping[str, Any]:
    """Tags come back as an object, or as they were sent."""
    if isinstance(tags, list):
        return {str(one.get("name")): one.get("value") for one in tags if isinstance(one, dict)}
    return table(tags)


def _standard(delivery: Delivery) -> Delivery:
    renamed = {f"webhook-{name}": delivery.headers.get(f"svix-{name}", "") for name in _NAMES}
    return replace(delivery, headers={**delivery.headers, **{name: value for name, value in renamed.items() if value}})
