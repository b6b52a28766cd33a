"""Whether the account is ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.ses.send import base
from connectors.parts.sending import aws
from connectors.parts.talk.asking import ask_json
from connectors.parts.values.loose import number, table
from engine.contracts import Asking, Conversation, Finding, HttpRequest


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """May the account send, how much, and can it be told of bounces
    (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html)?"""
    request = HttpRequest(url=f"{base(asking.settings)}/v2/email/account", method="GET", sign="aws4:ses")
    told = table((yield from ask_json(request)))
    return (*_sending(told), *_quota(table(told.get("SendQuota"))), *aws.told_of(asking.settings, "mails"))


def _sending(told: Mapping[str, Any]) -> Iterator[Finding]:
    if told.get("SendingEnabled") is False:
        do = "see Account dashboard in the SES console, and answer AWS's case"
        yield Finding(level="error", what="sending is paused for this account", do=do)
    if told.get("ProductionAccessEnabled") is False:
        do = "request production access in the SES console"
        yield Finding(level="error", what="the account is in the sandbox: only verified addresses get mail", do=do)
    if told.get("SendingEnabled") is True and told.get("ProductionAccessEnabled") is True:
        yield Finding(level="ok", what="SES knows the account, and it may send")


def _quota(quota: Mapping[str, Any]) -> Iterator[Finding]:
    most, sent = number(quota.get("Max24HourSend")), number(quota.get("SentLast24Hours"))
    if rate := number(quota.get("MaxSendRate")):
        yield Finding(level="ok", what=f"it may send {rate} a second: set per_second to it")
    if most is not None and most > 0 and sent is not None and sent * 10 > most * 9:
        do = "request a higher sending quota in the SES console"
        yield Finding(level="warning", what=f"{sent} of {most} mails of 24 hours are used", do=do)
