"""SMS through Twilio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.twilio.feedback import identify, read, verify
from connectors.channels.twilio.send import URL, classify, objections, prepare
from connectors.parts.sending.mail_api import HOST, secret
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import table, text
from engine.contracts import Asking, Capabilities, Channel, Conversation, Feedback, Finding, HttpRequest

SETTINGS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["account_sid", "auth_token"],
    "anyOf": [{"required": ["from"]}, {"required": ["messaging_service_sid"]}],
    "properties": {
        "account_sid": {
            "type": "string", "pattern": r"^AC[0-9a-fA-F]{32}(?![\s\S])", "title": "Account SID",
            "title_ja": "アカウントSID",
        },
        "auth_token": secret("Auth token: signs what Twilio posts, and logs in", "認証トークン(Auth Token)"),
        "api_key": {
            "type": "string", "pattern": r"^SK[0-9a-fA-F]{32}(?![\s\S])",
            "title": "API key SID, to log in by a key instead of the auth token", "title_ja": "APIキーのSID(任意)",
        },
        "api_secret": secret("Secret of the API key", "APIキーのシークレット"),
        "from": {
            "type": "string", "pattern": r"^(\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 &_+-]{1,11})(?![\s\S])",
            "title": "Sender: a number in E.164, a short code or up to 11 letters",
            "title_ja": "送信元(番号または英数字)",
        },
        "messaging_service_sid": {
            "type": "string", "pattern": r"^MG[0-9a-fA-F]{32}(?![\s\S])",
            "title": "Messaging service, which chooses the sender", "title_ja": "Messaging ServiceのSID",
        },
        "validity": {
            "type": "string", "pattern": r"^([1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36000)(?![\s\S])",
            "title": "Seconds that a message may wait at Twilio, 1 to 36000", "title_ja": "送信待ちの有効時間(秒)",
        },
        "callback": {
            "type": "string", "pattern": HOST,
            "title": "Address for status callbacks; without it the intake address",
            "title_ja": "ステータス通知先(通常は不要)",
        },
        "url": {"type": "string", "pattern": HOST, "title": f"address of the API; without it {URL}"},
    },
}  # fmt: skip


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the account active, and may it write to anybody?"""
    settings = asking.settings
    account = settings.get("account_sid", "")
    who = "{api_key}:{api_secret}" if settings.get("api_key") else "{account_sid}:{auth_token}"
    told = table((yield from ask_json(HttpRequest(
        url=address(settings.get("url") or URL, "2010-04-01", "Accounts", f"{account}.json"), method="GET",
        auth={"authorization": f"Basic {who}"},
    ))))  # fmt: skip
    return tuple(_standing(text(told.get("status")), text(told.get("type"))))


def _standing(status: str | None, kind: str | None) -> Iterator[Finding]:
    if status != "active":
        yield Finding(level="error", what=f"the account is {status or 'of no status'}", do="log in at twilio.com")
    else:
        yield Finding(level="ok", what="Twilio knows the account, and it is active")
    if kind == "Trial":
        do = "upgrade the account in the Twilio Console"
        yield Finding(level="warning", what="a trial account writes to verified numbers only", do=do)


CHANNEL = Channel(
    name="twilio",
    title="Twilio (SMS)",
    title_ja="Twilio(SMS)",
    medium="sms",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(receipts=True),  # Twilio queues by itself what a sender may not send at once
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="auth_token"),  # noqa: S106 a name
    check=check,
)
