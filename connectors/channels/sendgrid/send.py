"""One mail for SendGrid, and what its answer means
(https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send, .../how-to-use-the-sendgrid-v3-api/errors)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import bodies, mail, objections, settings
from connectors.parts.talk.asking import sending
from connectors.parts.values.loose import rows
from engine.contracts import Accepted, Answer, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

URL = "https://api.sendgrid.com"

SETTINGS = settings(URL, ["api_key"], {
    "api_key": schema.credential("API key with Mail Send", "APIキー(Mail Send権限)"),
    # Public, but what `verify` judges by stands with the secrets.
    "webhook_key": schema.credential(
        "Verification key of the signed event webhook: checks what SendGrid posts", "Event Webhookの検証キー(公開鍵)",
        r"^[A-Za-z0-9+/]{40,}={0,2}(?![\s\S])",
    ),
})  # fmt: skip

_ROWS = (
    Row("", "deferred", "quota", "credits"),  # said with 401
    Row("", "rejected", "account", "from"),
    Row("400", "rejected", "recipient", "to"),
)
_SPENT = re.compile(r"maximum credits exceeded|messaging limits?|exceeded.{0,40}(credits|quota|plan)", re.IGNORECASE)
_SENDER = re.compile(r"sender identity|from (address|email)", re.IGNORECASE)
_NO_ADDRESS = re.compile(r"valid (email )?address|email address", re.IGNORECASE)
_TO = re.compile(r"personalizations\.\d+\.to\b")


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST /v3/mail/send to one person. Our id is a custom argument, which comes back with every event.

    Raises BadAddress (header "To" for the recipient's; SendGrid takes ASCII only), ValueError for a value that cannot
    be a header, and for a mail without subject or body.
    """
    if problems := objections(content):
        raise ValueError("; ".join(problems))
    one, (html, text) = mail(envelope, content, settings, ascii_only=True), bodies(content)
    told = [{"type": kind, "value": body} for kind, body in (("text/plain", text), ("text/html", html)) if body]
    body: dict[str, object] = {
        "personalizations": [{"to": [{"email": one.to}], "custom_args": one.told}],
        "from": {"email": one.sender, **({"name": one.sender_name} if one.sender_name else {})},
        "subject": one.subject,
        "content": told,
        "headers": one.headers,
    }
    if one.reply_to:
        body["reply_to"] = {"email": one.reply_to}
    url = f"{(settings.get('url') or URL).rstrip('/')}/v3/mail/send"
    return sending(url, body, {"authorization": "Bearer {api_key}"})


def classify(result: Answer | Failure) -> Outcome:
    """What SendGrid's answer, or its silence, means for the message. A good one is 202 with an id among its headers."""
    if isinstance(result, Answer):
        number = result.headers.get("x-message-id", "")[:200]
        if result.code == 202 and number:
            return Accepted(ref=number)
        result = _with_pause(result)
    return answered(result, rows=_ROWS, error=_error)


def _with_pause(answer: Answer) -> Answer:
    """A 429 names the moment at which requests are taken again, by SendGrid's clock, which stands beside it."""
    if answer.code != 429 or "retry-after" in answer.headers:
        return answer
    try:
        reset = datetime.fromtimestamp(int(answer.headers["x-ratelimit-reset"]), UTC)
        left = (reset - parsedate_to_datetime(answer.headers["date"])).total_seconds()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return answer
    return replace(answer, headers={**answer.headers, "retry-after": str(max(int(left), 0))})


def _error(said: Said) -> tuple[str, str]:
    errors = rows(said.get("errors"))
    text = "; ".join(str(one["message"]) for one in errors if isinstance(one.get("message"), str))
    if _SPENT.search(text):
        return "credits", text
    if any(_about_sender(one) for one in errors):
        return "from", text
    return "to" if errors and all(_about_recipient(one) for one in errors) else "", text


def _about_sender(error: Mapping[str, Any]) -> bool:
    field = str(error.get("field") or "")
    return field == "from" or field.startswith("from.") or bool(_SENDER.search(str(error.get("message") or "")))


def _about_recipient(error: Mapping[str, Any]) -> bool:
    told = str(error.get("message") or "")
    return bool(_TO.match(str(error.get("field") or ""))) and bool(_NO_ADDRESS.search(told))
