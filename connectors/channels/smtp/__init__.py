"""Mail through any SMTP server: a provider's relay, the shop's own, or one on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from connectors.channels.address import BadAddress, address
from connectors.channels.mime import build
from connectors.channels.smtp.replies import outcome, unnamed
from engine.contracts import (
    Accepted,
    Ambiguous,
    Answer,
    Capabilities,
    Channel,
    Deferred,
    Failure,
    MailRequest,
    Outcome,
)
from engine.model.message import Content, Envelope

# Where servers tell their own id of the message: Postfix; Exim and SES.
_QUEUE_IDS = (
    re.compile(r"queued as <?([\w.@+=-]+)", re.IGNORECASE),
    re.compile(r"\bOK\s+(?:id=)?([\w.-]{6,})\s*$", re.IGNORECASE),
)

SETTINGS: Mapping[str, object] = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "url": {
            "type": "string",
            "title": "smtp://user:password@host:port",
            "pattern": "^smtps?://[^/]+/?$",
            "secret": True,
        },
        "tls": {
            "enum": ["starttls", "tls", "none"],
            "title": "starttls, tls or none; without it: by port and host",
        },
        "ehlo": {"type": "string", "title": "host name to greet the server with, where it demands one"},
        "from": {"type": "string", "title": "From address; without it the merchant's"},
        "from_name": {"type": "string", "title": "From name; without it the merchant's"},
        "reply_to": {"type": "string", "title": "Reply-To address"},
        "bounce": {
            "type": "string",
            "title": "envelope sender, where bounces go; without it the From address",
        },
        "message_id_domain": {
            "type": "string",
            "title": "right side of Message-ID; without it the From domain",
        },
    },
}


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> MailRequest:
    """The mail and its SMTP envelope. Settings of the connection win over what the envelope brings,
    because the server may let only its own sender through.

    Raises BadAddress (header "To" for the recipient's), ValueError for a value that cannot be a header.
    """
    mail = replace(
        envelope,
        sender=settings.get("from") or envelope.sender,
        sender_name=settings.get("from_name") or envelope.sender_name,
        reply_to=settings.get("reply_to") or envelope.reply_to,
    )
    domain = settings.get("message_id_domain") or mail.sender.rpartition("@")[2]
    data = build(mail, content, domain=domain)  # first: its errors name the header
    try:
        bounce = address(settings.get("bounce") or mail.sender)
    except BadAddress as error:
        raise BadAddress(error.reason, "bounce") from None
    return MailRequest(mail_from=bounce, rcpt_to=address(mail.to), data=data)


def classify(result: Answer | Failure) -> Outcome:
    """What the server's reply, or its silence, means for the message."""
    if isinstance(result, Answer):
        found = (pattern.search(result.text) for pattern in _QUEUE_IDS)
        return Accepted(ref=next((match[1] for match in found if match), None), detail=unnamed(result.text))
    if result.stage == "handed_over":
        return Ambiguous(reason=unnamed(result.text) or "no reply after the message was handed over")
    if result.stage == "connect":
        return Deferred(scope="provider", code="connect", detail=unnamed(result.text))
    return outcome(result.code, result.command, result.text)


CHANNEL = Channel(
    name="smtp",
    title="Mail (SMTP)",
    title_ja="メール(SMTP)",
    medium="email",
    transport="smtp",
    settings=SETTINGS,
    capabilities=Capabilities(),
    prepare=prepare,
    classify=classify,
)
