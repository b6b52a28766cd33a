"""SMS through Twilio."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.channels.twilio.feedback import identify, read, verify
from connectors.channels.twilio.send import URL, classify, objections, prepare
from connectors.parts import settings as schema
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import table, text
from engine.contracts import Asking, Capabilities, Channel, Conversation, Feedback, Finding, HttpRequest

SETTINGS = schema.settings(
    {
        "account_sid": schema.text("Account SID", "アカウントSID", pattern=r"^AC[0-9a-fA-F]{32}(?![\s\S])"),
        "auth_token": schema.credential("Auth token: signs what Twilio posts, and logs in", "認証トークン(Auth Token)"),
        "api_key": schema.text(
            "API key SID, to log in by a key instead of the auth token", "APIキーのSID(任意)",
            pattern=r"^SK[0-9a-fA-F]{32}(?![\s\S])",
        ),
        "api_secret": schema.credential("Secret of the API key", "APIキーのシークレット"),
        "from": schema.text(
            "Sender: a number in E.164, a short code or up to 11 letters", "送信元(番号または英数字)",
            pattern=r"^(\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 &_+-]{1,11})(?![\s\S])",
        ),
        "messaging_service_sid": schema.text(
            "Messaging service, which chooses the sender", "Messaging ServiceのSID",
            pattern=r"^MG[0-9a-fA-F]{32}(?![\s\S])",
        ),
        "validity": schema.text(
            "Seconds that a message may wait at Twilio, 1 to 36000", "送信待ちの有効時間(秒)",
            pattern=r"^([1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36000)(?![\s\S])",
        ),
        "callback": schema.address(
            "Address for status callbacks; without it the intake address", "ステータス通知先(通常は不要)"
        ),
        "url": schema.address(f"address of the API; without it {URL}"),
    },
    required=("account_sid", "auth_token"),
    either=(("from",), ("messaging_service_sid",)),
)  # fmt: skip


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
