"""Mail through Resend (https://resend.com/docs/api-reference/emails/send-email)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from connectors.channels.resend.batch import BATCH
from connectors.channels.resend.feedback import identify, read, verify
from connectors.parts import settings as schema
from connectors.parts.sending.batch import batch_setting
from connectors.parts.sending.http_answer import Row, Said, named
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import bodies, mail, mailbox, objections, settings
from connectors.parts.talk.asking import sending
from engine.contracts import Answer, Capabilities, Channel, Failure, Feedback, HttpRequest, MailDns, Outcome
from engine.model.message import Content, Envelope

_URL = "https://api.resend.com"
_TO = re.compile(r"invalid [`'\"]?to[`'\"]? field", re.IGNORECASE)

SETTINGS = settings(_URL, ["api_key"], {
    "api_key": schema.credential("API key (re_...)", "APIキー"),
    "webhook_secret": schema.credential(
        "Signing secret of the webhook: checks what Resend posts", "Webhookの署名シークレット"
    ),
    "batch": batch_setting(100, 100),
})  # fmt: skip

# https://resend.com/docs/api-reference/errors; what is missing here means what its status means everywhere.
_ROWS = (
    Row("4", "rejected", "recipient", "invalid_to"),
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
    one, (html, text) = mail(envelope, content, settings), bodies(content)
    body: dict[str, object] = {
        "from": mailbox(one.sender, one.sender_name),
        "to": [one.to],
        "subject": one.subject,
        "headers": one.headers,
        "tags": [{"name": name, "value": value} for name, value in one.told.items()],
    }
    if html is not None:
        body["html"] = html
    if text is not None:
        body["text"] = text
    if one.reply_to:
        body["reply_to"] = [one.reply_to]
    url = f"{(settings.get('url') or _URL).rstrip('/')}/emails"
    return sending(url, body, {"authorization": "Bearer {api_key}"}, more={"idempotency-key": envelope.id})


def classify(result: Answer | Failure) -> Outcome:
    """What Resend's answer, or its silence, means for the message."""
    return answered(result, rows=_ROWS, ref=named("id"), error=_error)


def _error(said: Said) -> tuple[str, str]:
    name, text = said.get("name"), said.get("message")
    told = text if isinstance(text, str) else ""
    if name == "validation_error" and _TO.match(told):
        return "invalid_to", told
    return (name if isinstance(name, str) else "")[:100], told


CHANNEL = Channel(
    name="resend",
    title="Resend",
    title_ja="Resend(メール配信API)",
    medium="email",
    mail_dns=MailDns(selectors=("resend",)),
    transport="http",
    settings=SETTINGS,
    # as its pages say; 5 a second for a whole team
    capabilities=Capabilities(idempotency=timedelta(hours=24), receipts=True, per_second=5),
    prepare=prepare,
    classify=classify,
    objections=objections,
    batch=BATCH,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="webhook_secret"),  # noqa: S106 a name
)
