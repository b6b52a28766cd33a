"""LINE: push messages of an official account to its friends, and what LINE tells about them."""

from __future__ import annotations

from datetime import timedelta

from connectors.channels.line.limits import objections
from connectors.channels.line.push import classify, prepare
from connectors.parts.sending.line_account import SETTINGS, check, login
from connectors.parts.sending.line_events import identify, read, verify
from engine.contracts import Capabilities, Channel, Feedback

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
    login=login,
    check=check,
)
