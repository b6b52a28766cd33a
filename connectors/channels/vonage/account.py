"""An account at Vonage: settings, and the token by which an application logs in."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

from connectors.parts import settings as schema
from connectors.parts.senders.jwt import rs256
from connectors.parts.talk.asking import address, ask, good, said
from connectors.parts.values.loose import number, table
from engine.contracts import Asking, Conversation, Finding, HttpRequest, Renewed

URL, SMS_URL, REST = "https://api.nexmo.com", "https://rest.nexmo.com", "https://rest.nexmo.com"
LASTS = timedelta(hours=6)

SETTINGS = schema.settings(
    {
        "api": schema.choice(
            "Messages API or the older SMS API", "使用するAPI(messages または sms)",
            "messages", "sms", default="messages",
        ),
        "application_id": schema.text("Application ID", "アプリケーションID", pattern=r"^[0-9a-fA-F-]{36}(?![\s\S])"),
        "private_key": schema.file(
            "Private key of the application, as --set private_key=@private.key", "秘密鍵(@ファイル)",
            pattern="^-----BEGIN ", sealed=True,
        ),
        "api_key": schema.text("API key", "APIキー", pattern=r"^[0-9a-zA-Z]{6,20}(?![\s\S])"),
        "api_secret": schema.credential("API secret", "APIシークレット", r"^[!-~]{6,64}(?![\s\S])"),
        "signature_secret": schema.credential(
            "Signature secret: checks what Vonage posts", "署名シークレット(受信の検証に使用)"
        ),
        "from": schema.text(
            "Sender: a number or up to 11 letters", "送信元(番号または英数字)",
            pattern=r"^(\+?[1-9]\d{2,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})(?![\s\S])",
        ),
        "ttl": schema.text(
            "Seconds that delivery is tried, 20 to 604800", "配信を試みる時間(秒)", pattern=r"^[1-9]\d{1,5}(?![\s\S])"
        ),
        "url": schema.address(f"address of the API; without it {URL} or {SMS_URL}"),
    },
    required=("from",),
    either=(("application_id", "private_key"), ("api_key", "api_secret")),
)  # fmt: skip


def login(asking: Asking) -> Conversation[None]:
    """A token made by the application's private key: nothing is asked of anybody
    (https://developer.vonage.com/en/getting-started/concepts/authentication#json-web-tokens)."""
    settings = asking.settings
    application, key = settings.get("application_id"), settings.get("private_key")
    if not application or not key or settings.get("api") == "sms":
        return
    since, until = int(asking.now.timestamp()), asking.now + LASTS
    claims = {
        "application_id": application, "iat": since, "exp": int(until.timestamp()),
        "jti": blake2b(f"{application} {asking.now.isoformat()}".encode(), digest_size=16).hexdigest(),
    }  # fmt: skip
    yield Renewed(secrets={"access_token": rs256(claims, key, "private_key")}, until={"access_token": until})


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the key good, and is there credit? Only an account with api_key and api_secret can be asked."""
    yield from login(asking)
    settings = asking.settings
    if not settings.get("api_key") or not settings.get("api_secret"):
        what = "the key of the application can be read; the balance can only be asked with api_key and api_secret"
        return (Finding(level="ok", what=what),)
    base = settings.get("url") or REST
    answer = yield from ask(
        HttpRequest(
            url=address(base, "account", "get-balance"), method="GET",
            auth={"authorization": "Basic {api_key}:{api_secret}"},
        )
    )  # fmt: skip
    left = number(table(said(good(answer))).get("value"))
    if left is not None and left <= 0:
        do = "top the account up in the Vonage Dashboard"
        return (Finding(level="error", what="the account has no credit left", do=do),)
    return (Finding(level="ok", what=f"the account has credit: {left if left is not None else 'unknown'} EUR"),)
