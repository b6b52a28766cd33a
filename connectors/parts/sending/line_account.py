"""An account at LINE, by whichever of its channels it sends: settings, tokens, errors, and whether it is ready."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending.http_answer import Said
from connectors.parts.talk.asking import address, ask, ask_json, form, good, said
from connectors.parts.talk.oauth import BEARER, granted
from connectors.parts.values.loose import number, table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest, Renewed, Unanswered

URL = "https://api.line.me"
CONSOLE = "LINE Developers Console"

# What is told apart only by LINE's words. The first that fits names the error.
_WORDS = (
    ("monthly_limit", re.compile(r"monthly limit|quota", re.IGNORECASE)),
    ("rate_limit", re.compile(r"rate limit|too many", re.IGNORECASE)),
    # Of another provider, or of nobody: https://developers.line.biz/en/reference/messaging-api/#send-push-message-error
    ("not_a_friend", re.compile(r"failed to send messages|property, 'to'", re.IGNORECASE)),
)

NAMED: Mapping[str, Any] = {
    "access_token": schema.credential(
        "Channel access token (long-lived); without it channel_id, and tokens are got as needed",
        "チャネルアクセストークン(長期)。channel_idを設定した場合は不要です", schema.PRINTABLE,
    ),
    "channel_id": schema.text(
        "Channel ID: with the secret it gets tokens of 15 minutes", "チャネルID", pattern=r"^\d{5,20}(?![\s\S])"
    ),
    "channel_secret": schema.credential(
        "Channel secret: checks what LINE posts", "チャネルシークレット", schema.PRINTABLE
    ),
    "url": schema.address(f"address of the API; without it {URL}", f"APIのアドレス(通常は{URL})"),
}  # fmt: skip


def settings_with(**own: schema.Setting) -> dict[str, Any]:
    """The settings of any channel of LINE's, and this one's own."""
    return schema.settings({**NAMED, **own}, required=("channel_secret",), either=(("access_token",), ("channel_id",)))


def error(said: Said) -> tuple[str, str]:
    """(name, text) of an error: LINE has no codes, so the words decide."""
    text = said.get("message")
    text = text if isinstance(text, str) else ""
    details = said.get("details")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict):
            text += f"; {one.get('property', '')}: {one.get('message', '')}"
            if one.get("property") == "to":
                return "not_a_friend", text
    return next((name for name, words in _WORDS if words.search(text)), ""), text


def login(asking: Asking) -> Conversation[None]:
    """A stateless token, where the connection has a channel id: it lasts 15 minutes and cannot be taken back
    (https://developers.line.biz/en/reference/messaging-api/#issue-stateless-channel-access-token)."""
    settings = asking.settings
    channel, secret = settings.get("channel_id"), settings.get("channel_secret")
    if not channel or not secret:
        return
    fields = {"grant_type": "client_credentials", "client_id": channel, "client_secret": secret}
    request = HttpRequest(
        url=address(settings.get("url") or URL, "oauth2", "v3", "token"),
        headers={"content-type": "application/x-www-form-urlencoded"}, body=form(fields),
    )  # fmt: skip
    answer = yield from ask(request)
    if answer.code == 400:
        raise Unanswered("login", "LINE does not accept channel_id and channel_secret")
    token, lasts = granted(answer)
    if lasts is None:
        raise Unanswered("provider", "an answer without a token")
    yield Renewed(secrets={"access_token": token}, until={"access_token": asking.now + lasts})


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the token good, is there room left this month, does LINE know where to post?"""
    base = asking.settings.get("url") or URL
    yield from login(asking)
    bot = table((yield from ask_json(_get(base, "v2", "bot", "info"))))
    findings = [Finding(level="ok", what=f"LINE knows the account {text(bot.get('displayName')) or 'without a name'}")]
    quota = table((yield from ask_json(_get(base, "v2", "bot", "message", "quota"))))
    used = table((yield from ask_json(_get(base, "v2", "bot", "message", "quota", "consumption"))))
    findings += _room(number(quota.get("value")), number(used.get("totalUsage")))
    answer = yield from ask(_get(base, "v2", "bot", "channel", "webhook", "endpoint"))
    findings += _webhook(None if answer.code == 404 else table(said(good(answer))))
    return tuple(findings)


def _get(base: str, *path: str) -> HttpRequest:
    return HttpRequest(url=address(base, *path), method="GET", auth=BEARER)


def _room(limit: Any, used: Any) -> Iterator[Finding]:
    if limit is None or used is None:  # no limit: the plan counts only what is charged
        yield Finding(level="ok", what="no limit to the messages of a month is set")
    elif used >= limit:
        do = "raise the plan, or the limit of additional messages, in LINE Official Account Manager"
        yield Finding(level="error", what=f"all {limit} messages of this month are used", do=do)
    elif used * 10 > limit * 9:
        do = "raise the limit in LINE Official Account Manager before they run out"
        yield Finding(level="warning", what=f"{used} of {limit} messages of this month are used", do=do)
    else:
        yield Finding(level="ok", what=f"{used} of {limit} messages of this month are used")


def _webhook(endpoint: Mapping[str, Any] | None) -> Iterator[Finding]:
    do = (
        f"set the connection's intake address under Messaging API > Webhook settings in the {CONSOLE}, and switch it on"
    )
    if not endpoint or not text(endpoint.get("endpoint")):
        yield Finding(level="error", what="LINE has no address to post to: nobody learns who unfollows", do=do)
    elif endpoint.get("active") is not True:
        yield Finding(level="error", what="the webhook is switched off", do=do)
    else:
        yield Finding(level="ok", what="the webhook is switched on")
