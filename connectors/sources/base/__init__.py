"""BASE: orders, polled."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.sources.base.asked import TOKENS, URL, check
from connectors.sources.base.poll import poll
from connectors.sources.base.read import read
from connectors.sources.base.words import ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="base",
        title="BASE",
        title_ja="BASE",
        modes=("poll",),
        capabilities=frozenset({"items", "contact", "tracking", "scans", "partial_shipments", "cancellation", "eta"}),
        settings={
            "type": "object",
            "properties": {
                "client_id": {
                    "type": "string",
                    "minLength": 1,
                    "title": "Client id of the app",
                    "title_ja": "アプリのクライアントID",
                },
                "client_secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Client secret of the app",
                    "title_ja": "アプリのクライアントシークレット",
                },
                "redirect_uri": {
                    "type": "string",
                    "pattern": "^https?://",
                    "title": "Callback URL of the app, as it is registered",
                    "title_ja": "アプリに登録したコールバックURL",
                },
                "refresh_token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Refresh token, renewed by itself",
                    "title_ja": "リフレッシュトークン（自動で更新されます）",
                },
                "access_token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Access token, fetched by itself",
                    "title_ja": "アクセストークン（自動で取得されます）",
                },
                "own_mails": {
                    "type": "string",
                    "enum": ["yes", "no"],
                    "default": "yes",
                    "title": "BASE's own mails count, so that ours are not sent beside them",
                    "title_ja": "BASEが送るメールと同じお知らせを送らない",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": URL,
                    "title": "Address of the API",
                    "title_ja": "APIのアドレス",
                },
            },
            "additionalProperties": False,
        },
        time_zone=ZONE,
        notifies_customer="yes",
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("refresh_token",),
        every=timedelta(minutes=5),
        pace=timedelta(milliseconds=250),  # one poll asks little; the limit counts by the hour
        lifetimes={"refresh_token": TOKENS},
    ),
)
