"""WhatsApp, by templates of the Cloud API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.whatsapp.feedback import greet, identify, read, verify
from connectors.channels.whatsapp.send import URL, VERSION, classify, objections, prepare
from connectors.parts import settings as schema
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.talk.oauth import BEARER
from connectors.parts.values.loose import table, text
from engine.contracts import Asking, Capabilities, Channel, Conversation, Feedback, Finding, HttpRequest

SETTINGS = schema.settings(
    {
        "phone_number_id": schema.text("Phone number ID", "電話番号ID", pattern=r"^\d{5,30}(?![\s\S])"),
        "access_token": schema.credential("Token of a system user", "システムユーザーのアクセストークン"),
        "app_secret": schema.credential(
            "App secret: checks what WhatsApp posts", "アプリシークレット(受信の検証に使用)"
        ),
        "verify_token": schema.credential(
            "Verify token: a word of your own, typed at Meta beside the address", "検証トークン(任意の文字列)"
        ),
        "version": schema.text(
            f"Version of the API; without it {VERSION}", "APIのバージョン", pattern=r"^v\d{1,3}\.\d(?![\s\S])"
        ),
        "url": schema.address(f"address of the API; without it {URL}"),
    },
    required=("phone_number_id", "access_token", "app_secret"),
)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the token good, and how does WhatsApp rate the number?"""
    settings = asking.settings
    told = table((yield from ask_json(HttpRequest(
        url=address(
            settings.get("url") or URL, settings.get("version") or VERSION, settings.get("phone_number_id", ""),
            fields="verified_name,quality_rating,name_status,code_verification_status",
        ),
        method="GET", auth=BEARER,
    ))))  # fmt: skip
    return (*_standing(told), *_webhook(settings))


def _standing(told: Mapping[str, Any]) -> Iterator[Finding]:
    yield Finding(level="ok", what=f"WhatsApp knows the number of {text(told.get('verified_name')) or 'nobody'}")
    if text(told.get("quality_rating")) == "RED":
        do = "see the quality of the number in WhatsApp Manager; write to fewer people who did not ask"
        yield Finding(level="warning", what="many people have blocked or reported the number", do=do)


def _webhook(settings: Mapping[str, str]) -> Iterator[Finding]:
    if not settings.get("verify_token"):
        do = "set verify_token, then enter it at Meta with the intake address (WhatsApp > Configuration > Webhook)"
        yield Finding(level="error", what="WhatsApp cannot be told where to post: nobody learns what arrives", do=do)


CHANNEL = Channel(
    name="whatsapp",
    title="WhatsApp (Cloud API)",
    title_ja="WhatsApp(Cloud API)",
    medium="whatsapp",
    transport="http",
    settings=SETTINGS,
    # https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
    capabilities=Capabilities(receipts=True, per_second=80),
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, greet=greet, secret="app_secret"),  # noqa: S106 a name
    check=check,
)
