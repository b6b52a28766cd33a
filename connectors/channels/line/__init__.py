"""LINE: push messages of an official account to its friends, and what LINE tells about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.channels.line.limits import objections
from connectors.channels.line.linking import LINKING, answer, check
from connectors.channels.line.push import classify, prepare
from connectors.parts.sending import line_account
from connectors.parts.sending.line_account import login
from connectors.parts.sending.line_events import identify, read, verify
from engine.contracts import Api, Capabilities, Channel, Feedback

OWN: Mapping[str, Any] = {
    "bot_id": {
        "type": "string", "pattern": r"^@[a-z0-9._-]{2,30}(?![\s\S])",
        "title": "LINE ID of the account, as @abc1234x: customers find it from their own pages",
        "title_ja": "アカウントのLINE ID(例: @abc1234x)。お客様のページからの連携に使います",
    },
    "invite": {
        "type": "string", "enum": ["no", "follow", "always"],
        "title": "Who is answered with a link to link an account: nobody, new friends, whoever writes as well",
        "title_ja": "連携のご案内を送る相手(no: 送らない、follow: 友だち追加時、always: メッセージをいただいたときも)",
    },
}  # fmt: skip
SETTINGS = {**line_account.SETTINGS, "properties": {**line_account.SETTINGS["properties"], **OWN}}
CHANNEL = Channel(
    name="line",
    title="LINE Messaging API",
    title_ja="LINE公式アカウント(Messaging API)",
    medium="line",
    transport="http",
    settings=SETTINGS,
    # https://developers.line.biz/en/docs/messaging-api/retrying-api-request/ (24 hours)
    # https://developers.line.biz/en/reference/messaging-api/#rate-limits (2,000 a second for a channel)
    capabilities=Capabilities(idempotency=timedelta(hours=24), per_second=2_000),
    prepare=prepare,
    classify=classify,
    objections=objections,
    feedback=Feedback(verify=verify, read=read, identify=identify, secret="channel_secret"),  # noqa: S106 a name
    api=Api(fetch=answer),
    login=login,
    check=check,
    linking=LINKING,
)
