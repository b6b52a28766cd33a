"""One mail for Amazon SES, and what its answer means
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html, .../CommonErrors.html)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.header import Header
from typing import Any

import msgspec

from connectors.parts.sending import aws, mail_api
from connectors.parts.sending.http_answer import Kind, Row, Said, named
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import bodies, mail, mailbox
from engine.contracts import Answer, Failure, FailureScope, HttpRequest, Outcome
from engine.model.message import Content, Envelope

SETTINGS = mail_api.settings(
    "https://email.<region>.amazonaws.com", aws.NEEDED, aws.settings("ses:SendEmail", r"^[A-Za-z0-9_-]{1,64}(?![\s\S])")
)

# By the name of the error. 454 is what the SMTP form of the same service says to both kinds of throttling.
_KINDS: tuple[tuple[Kind, FailureScope, str], ...] = (
    ("deferred", "quota", "daily_quota LimitExceededException"),
    ("deferred", "rate", (
        "sending_rate TooManyRequestsException ThrottlingException Throttling ThrottledException RequestThrottled "
        "RequestThrottledException TooManyRequests RequestLimitExceeded SlowDown"
    )),
    ("deferred", "provider", "ServiceUnavailable ServiceUnavailableException"),
    ("rejected", "account", (
        "not_verified AccountSuspendedException SendingPausedException AccountSendingPausedException "
        "ConfigurationSetSendingPausedException MailFromDomainNotVerifiedException NotFoundException "
        "ConfigurationSetDoesNotExist ConfigurationSetDoesNotExistException configuration AccessDenied "
        "AccessDeniedException UnrecognizedClientException InvalidClientTokenId SignatureDoesNotMatch "
        "InvalidSignatureException IncompleteSignature IncompleteSignatureException MissingAuthenticationToken "
        "MissingAuthenticationTokenException ExpiredToken ExpiredTokenException OptInRequired NotAuthorized "
        "SubscriptionRequiredException RequestExpired InvalidAccessKeyId UnknownOperationException InvalidAction"
    )),
    ("rejected", "recipient", "blacklisted"),
)  # fmt: skip
_ROWS = (
    *(Row("", kind, scope, name) for kind, scope, names in _KINDS for name in names.split()),
    Row("454", "deferred", "rate"),
)
# One name covers several matters: https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html,
# .../troubleshoot-error-messages.html
_WORDS = (
    ("daily_quota", re.compile(r"daily (message|sending)? ?quota|24.hour", re.IGNORECASE)),
    ("sending_rate", re.compile(r"sending rate|rate exceeded|throttl", re.IGNORECASE)),
    ("not_verified", re.compile(r"not verified", re.IGNORECASE)),
    ("blacklisted", re.compile(r"address (is )?blacklisted", re.IGNORECASE)),
    ("configuration", re.compile(r"configuration.?set|tenant", re.IGNORECASE)),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST /v2/email/outbound-emails, signed when it leaves. Our id is a tag, which comes back with every event.

    Raises BadAddress (header "To" for the recipient's; SES takes ASCII only), ValueError for a value that cannot be a
    header.
    """
    one, (html, text) = mail(envelope, content, settings, ascii_only=True), bodies(content)
    parts = {"Html": html, "Text": text}
    body: dict[str, Any] = {
        "FromEmailAddress": mailbox(one.sender, one.sender_name) if one.sender_name.isascii() else _encoded(one),
        "Destination": {"ToAddresses": [one.to]},
        "Content": {"Simple": {
            "Subject": _text(one.subject),
            "Body": {name: _text(part) for name, part in parts.items() if part is not None},
            "Headers": [{"Name": name, "Value": value} for name, value in one.headers.items()],
        }},
        "EmailTags": [{"Name": name, "Value": value} for name, value in one.told.items()],
    }  # fmt: skip
    if one.reply_to:
        body["ReplyToAddresses"] = [one.reply_to]
    if configuration := settings.get("configuration_set"):
        body["ConfigurationSetName"] = configuration
    return HttpRequest(
        url=f"{base(settings)}/v2/email/outbound-emails", headers={"content-type": "application/json"},
        sign="aws4:ses", body=msgspec.json.encode(body),
    )  # fmt: skip


def base(settings: Mapping[str, str]) -> str:
    """The address of the API."""
    return aws.base(settings, "email")


def classify(result: Answer | Failure) -> Outcome:
    """What the answer of SES, or its silence, means for the message."""
    kind = result.headers.get("x-amzn-errortype", "") if isinstance(result, Answer) else ""
    return answered(result, rows=_ROWS, ref=named("MessageId"), error=lambda said: _error(said, kind))


def _error(said: Said, kind: str) -> tuple[str, str]:
    """The name without what AWS puts around it ("aws#Name:http://..."), unless the words say more."""
    found = said.get("message", said.get("Message"))
    text = found if isinstance(found, str) else ""
    name = aws.bare(kind or str(said.get("__type") or said.get("code") or ""))
    return next((by for by, words in _WORDS if words.search(text)), name), text


def _text(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _encoded(one: Any) -> str:
    """SES takes a name in encoded words (RFC 2047) only."""
    return f"{Header(one.sender_name, 'utf-8', maxlinelen=75).encode(linesep='')} <{one.sender}>"
