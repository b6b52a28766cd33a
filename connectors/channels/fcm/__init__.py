"""Notifications in apps, through Firebase Cloud Messaging."""

from __future__ import annotations

from connectors.channels.fcm.account import SETTINGS, login
from connectors.channels.fcm.ready import check
from connectors.channels.fcm.send import classify, objections, prepare
from engine.contracts import Capabilities, Channel

CHANNEL = Channel(
    name="fcm",
    title="Firebase Cloud Messaging",
    title_ja="Firebase Cloud Messaging(アプリのプッシュ通知)",
    medium="push",
    transport="http",
    settings=SETTINGS,
    # https://firebase.google.com/docs/cloud-messaging/scale-fcm: 600,000 a minute for a project
    capabilities=Capabilities(per_second=10_000),
    prepare=prepare,
    classify=classify,
    objections=objections,
    login=login,
    check=check,
)
