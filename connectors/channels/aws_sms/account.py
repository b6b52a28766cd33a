"""Is the account ready? (https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/Welcome.html)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.aws_sms.send import TARGET, base
from connectors.parts.sending import aws
from connectors.parts.talk.asking import ask_json
from connectors.parts.values.loose import number, rows, table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is it out of the sandbox, and what is left of the month's spend limit?"""
    account = yield from ask_json(_call(asking.settings, "DescribeAccountAttributes"))
    spend = yield from ask_json(_call(asking.settings, "DescribeSpendLimits"))
    return (*_tier(table(account)), *_spend(table(spend)), *aws.told_of(asking.settings, "messages"))


def _call(settings: Mapping[str, str], operation: str) -> HttpRequest:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"{TARGET}.{operation}"}
    return HttpRequest(url=f"{base(settings)}/", headers=headers, sign="aws4:sms-voice", body=b"{}")


def _tier(told: Mapping[str, Any]) -> Iterator[Finding]:
    named = {text(one.get("Name")): text(one.get("Value")) for one in rows(told.get("AccountAttributes"))}
    if named.get("ACCOUNT_TIER") == "SANDBOX":
        do = "request production access in the console of AWS End User Messaging SMS"
        yield Finding(level="error", what="the account is in the sandbox: only verified numbers get messages", do=do)
    else:
        yield Finding(level="ok", what="AWS knows the account")


def _spend(told: Mapping[str, Any]) -> Iterator[Finding]:
    for one in rows(told.get("SpendLimits")):
        if text(one.get("Name")) == "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT":
            limit = number(one.get("EnforcedLimit"))
            what = f"the month's spend limit is {limit} USD"
            if limit is None or limit > 1:
                yield Finding(level="ok", what=what)
            else:
                yield Finding(level="warning", what=what, do="request a higher spend limit at AWS")
