"""Mail through Resend (https://resend.com/docs/api-reference/emails/send-email)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from connectors.channels.address import BadAddress, address
from connectors.channels.http_answer import Row, Said
from connectors.channels.http_answer import outcome as answered
from connectors.channels.mime import clean, one_click
from engine.contracts import Answer, Capabilities, Channel, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

_URL = "https://api.resend.com"
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")

SETTINGS: Mapping[str, object] = {
    "type": "object",
    "required": ["api_key"],
    "additionalProperties": False,
    "properties": {
        "api_key": {"type": "string", "title": "API key (re_...)", "pattern": r"^[!-~]{8,}(?![\s\S])", "secret": True},
        "url": {
            "type": "string",
            "title": f"address of the API; without it {_URL}",
            "pattern": r"^https?://[^/?#@\s]+(/[^?#\s]*)?(?![\s\S])",
        },
        "from": {"type": "string", "title": "From address at a verified domain; without it the merchant's"},
        "from_name": {"type": "string", "title": "From name; without it the merchant's"},
        "reply_to": {"type": "string", "title": "Reply-To address"},
    },
}

# https://resend.com/docs/api-reference/errors; what is missing here means what its status means everywhere.
_ROWS = (
    Row("400", "rejected", "account", "invalid_idempotency_key"),
    # The key is remembered once a mail was sent under it (dashboard/emails/idempotency-keys), so a different
    # body under the same key tells that this message has left already.
    Row("409", "accepted", name="invalid_idempotent_request"),
    Row("409", "ambiguous", name="concurrent_idempotent_requests"),
    Row("409", "ambiguous"),
    Row("422", "rejected", "account", "invalid_from_address"),
    Row("422", "rejected", "account", "invalid_access"),
    Row("422", "rejected", "account", "invalid_region"),
    Row("429", "deferred", "quota", "daily_quota_exceeded"),
    Row("429", "deferred", "quota", "monthly_quota_exceeded"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST /emails. The message's id is the idempotency key, so the same message is never taken twice within
    a day, and a tag, which comes back with whatever is told about the mail later.

    Raises BadAddress (header "To" for the recipient's), ValueError for a value that cannot be a header.
    """
    if not _TAG.fullmatch(envelope.id):
        raise ValueError(f"tag: the value does not have the shape {_TAG.pattern}")
    body: dict[str, object] = {
        "from": _mailbox(
            "From", settings.get("from") or envelope.sender, settings.get("from_name") or envelope.sender_name
        ),
        "to": [_wire("To", envelope.to)],
        "subject": clean(content.subject),
        "headers": _headers(envelope),
        "tags": [{"name": "message", "value": envelope.id}],
    }
    if content.html:
        body["html"] = content.html
    if content.text or not content.html:
        body["text"] = content.text
    if reply_to := settings.get("reply_to") or envelope.reply_to:
        body["reply_to"] = [_wire("Reply-To", reply_to)]
    return HttpRequest(
        url=f"{(settings.get('url') or _URL).rstrip('/')}/emails",
        headers={"content-type": "application/json", "idempotency-key": envelope.id},
        auth={"authorization": "Bearer {api_key}"},
        body=msgspec.json.encode(body),
    )


def classify(result: Answer | Failure) -> Outcome:
    """What Resend's answer, or its silence, means for the message."""
    return answered(result, rows=_ROWS, ref=_ref, error=_error)


def _headers(envelope: Envelope) -> dict[str, str]:
    found = {"X-Todoke-Message": envelope.id, "Auto-Submitted": "auto-generated"}
    if envelope.references:
        found |= {"In-Reply-To": clean(envelope.references), "References": clean(envelope.references)}
    if envelope.unsubscribe_url:
        found |= one_click(envelope.unsubscribe_url)
    return found


def _mailbox(header: str, value: str, name: str | None) -> str:
    wire, name = _wire(header, value), clean(name or "")
    if not name:
        return wire
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{wire}>'


def _wire(header: str, value: str) -> str:
    try:
        return address(value)
    except BadAddress as error:
        raise BadAddress(error.reason, header) from None


def _ref(said: Said) -> str | None:
    found = said.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= 200 else None


def _error(said: Said) -> tuple[str, str]:
    name, text = said.get("name"), said.get("message")
    return (name if isinstance(name, str) else "")[:100], text if isinstance(text, str) else ""


CHANNEL = Channel(
    name="resend",
    title="Resend",
    title_ja="Resend(メール配信API)",
    medium="email",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(idempotency=timedelta(hours=24), per_second=5),  # as its pages say; 5 for a whole team
    prepare=prepare,
    classify=classify,
)
