"""Mail through any SMTP server: a provider's relay, the shop's own, or one on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from connectors.channels.smtp import verp
from connectors.channels.smtp.dkim import BadKey, sign
from connectors.channels.smtp.feedback import identify, mailed, read, verify
from connectors.channels.smtp.replies import outcome, unnamed
from connectors.parts.sending.address import BadAddress, address, domain
from connectors.parts.sending.mime import build
from engine.contracts import (
    Accepted,
    Ambiguous,
    Answer,
    Capabilities,
    Channel,
    Deferred,
    Failure,
    Feedback,
    MailRequest,
    Outcome,
)
from engine.model.message import Content, Envelope

# Where servers tell their own id of the message: Postfix; Exim and SES.
_QUEUE_IDS = (
    re.compile(r"queued as <?([\w.@+=-]+)", re.IGNORECASE),
    re.compile(r"\bOK\s+(?:id=)?([\w.-]{6,})\s*$", re.IGNORECASE),
)

_MAIL_BOX = r"^[^@\s]+@[^@\s]+(?![\s\S])"
_NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(?![\s\S])"

SETTINGS: Mapping[str, object] = {
    "type": "object", "required": ["url"], "additionalProperties": False,
    "properties": {
        "url": {"type": "string", "title": "smtp://user:password@host:port", "pattern": "^smtps?://[^/]+/?$",
                "secret": True},
        "tls": {"enum": ["starttls", "tls", "none"], "title": "starttls, tls or none; without it: by port and host"},
        "ehlo": {"type": "string", "title": "host name to greet the server with, where it demands one"},
        "from": {"type": "string", "title": "From address; without it the merchant's"},
        "from_name": {"type": "string", "title": "From name; without it the merchant's"},
        "reply_to": {"type": "string", "title": "Reply-To address"},
        "bounce": {"type": "string", "title": "envelope sender, where bounces go; without it the From address"},
        "bounces": {"type": "string", "pattern": _MAIL_BOX,
                    "title": "where bounces go that Todoke reads, as bounce@b.example.jp; each mail has its own",
                    "title_ja": "Todokeが読むバウンスの宛先(例 bounce@b.example.jp)"},
        "secret": {"type": "string", "pattern": r"^[!-~]{16,}(?![\s\S])", "secret": True,
                   "title": "signs the addresses of bounces, and is the token of the intake address; 16 characters",
                   "title_ja": "バウンス用アドレスの署名と受信URLのトークンに使う秘密の値(16文字以上)"},
        "imap": {"type": "string", "pattern": r"^imaps?://[^/@\s]+@[^/@\s]+(/[!-~]*)?(?![\s\S])", "secret": True,
                 "title": "mailbox that bounces are read from: imaps://user:password@host/INBOX",
                 "title_ja": "バウンスを読み取るメールボックス(imaps://user:password@host/INBOX)"},
        "imap_minutes": {"type": "string", "pattern": r"^[1-9]\d{0,3}(?![\s\S])",
                         "title": "minutes between two looks into the mailbox, as 5", "title_ja": "確認の間隔(分)"},
        "dsn": {"enum": ["failure", "delivery", "no"], "default": "failure",
                "title": "what the server is asked to report: failures, deliveries too, or nothing special"},
        "dkim_key": {"type": "string", "secret": True, "file": True, "title": "private key for DKIM in PEM, as @FILE",
                     "title_ja": "DKIM の秘密鍵(PEM、@ファイル)"},
        "dkim_selector": {"type": "string", "pattern": _NAME,
                          "title": "selector: the key is published at SELECTOR._domainkey.DOMAIN"},
        "dkim_domain": {"type": "string", "pattern": _NAME, "title": "domain that signs; without it that of From"},
        "message_id_domain": {"type": "string", "title": "right side of Message-ID; without it the From domain"},
    },
}  # fmt: skip
_NOTIFY = {"failure": ("FAILURE", "DELAY"), "delivery": ("SUCCESS", "FAILURE", "DELAY"), "no": ()}


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> MailRequest:
    """The mail and its SMTP envelope. Settings of the connection win over what the envelope brings,
    because the server may let only its own sender through.

    Raises BadAddress (header "To" for the recipient's), ValueError for a value that cannot be a header and for a key
    that cannot sign.
    """
    mail = replace(
        envelope,
        sender=settings.get("from") or envelope.sender,
        sender_name=settings.get("from_name") or envelope.sender_name,
        reply_to=settings.get("reply_to") or envelope.reply_to,
    )
    host = mail.sender.rpartition("@")[2]
    data = build(mail, content, domain=settings.get("message_id_domain") or host)  # first: its errors name the header
    if key := settings.get("dkim_key"):
        data = _signed(data, key, settings, host, mail.sent_at)
    return MailRequest(
        mail_from=_bounces_to(mail, settings), rcpt_to=address(mail.to), data=data,
        envid=f"{mail.id}.{mail.merchant}", notify=_NOTIFY[settings.get("dsn") or "failure"],
    )  # fmt: skip


def misset(settings: Mapping[str, str]) -> str | None:
    """What is wrong with settings taken together."""
    local = settings.get("bounces", "").rpartition("@")[0]
    if len(local) > verp.LONGEST_OWN or "+" in local:
        return f"bounces: at most {verp.LONGEST_OWN} characters before the @, and no plus: the message's id is added"
    return None


def _signed(data: bytes, key: str, settings: Mapping[str, str], host: str, at: datetime) -> bytes:
    selector = settings.get("dkim_selector")
    if not selector:
        raise BadKey("dkim_selector is missing: the name under which the key is published")
    return sign(data, key=key, selector=selector, domain=domain(settings.get("dkim_domain") or host), at=at)


def _bounces_to(mail: Envelope, settings: Mapping[str, str]) -> str:
    bounces, secret = settings.get("bounces"), settings.get("secret")
    if bounces and secret:
        return verp.sender(mail, bounces, secret)
    try:
        return address(bounces or settings.get("bounce") or mail.sender)
    except BadAddress as error:
        raise BadAddress(error.reason, "bounces" if bounces else "bounce") from None


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
    misset=misset,
    feedback=Feedback(verify=verify, read=read, identify=identify, mailed=mailed),
)
