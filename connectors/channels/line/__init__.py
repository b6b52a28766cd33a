"""LINE: push messages of an official account to its friends, and what LINE tells about them."""

from __future__ import annotations

from datetime import timedelta

from connectors.channels.line.limits import objections
from connectors.channels.line.linking import LINKING, answer, check
from connectors.channels.line.push import classify, prepare
from connectors.parts import settings as schema
from connectors.parts.sending import line_account
from connectors.parts.sending.line_account import login
from connectors.parts.sending.line_events import FEEDBACK
from engine.contracts import Api, Capabilities, Channel

SETTINGS = line_account.settings_with(
    bot_id=schema.text(
        "LINE ID of the account, as @abc1234x: customers find it from their own pages",
        "アカウントのLINE ID(例: @abc1234x)。お客様のページからの連携に使います",
        pattern=r"^@[a-z0-9._-]{2,30}(?![\s\S])",
    ),
    invite=schema.choice(
        "Who is answered with a link to link an account: nobody, new friends, whoever writes as well",
        "連携のご案内を送る相手(no: 送らない、follow: 友だち追加時、always: メッセージをいただいたときも)",
        "no", "follow", "always",
    ),
)  # fmt: skip

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
    feedback=FEEDBACK,
    api=Api(fetch=answer),
    login=login,
    check=check,
    linking=LINKING,
)
