"""Next Engine (ネクストエンジン): the hub of malls and shops that most Japanese warehouses know. Polled only."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.sources.next_engine.asked import URL
from connectors.sources.next_engine.check import check
from connectors.sources.next_engine.poll import poll
from connectors.sources.next_engine.read import read
from connectors.sources.next_engine.words import ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="next_engine",
        title="Next Engine",
        title_ja="ネクストエンジン",
        modes=("poll",),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "routing", "eta",
        }),
        settings={
            "type": "object",
            "properties": {
                "access_token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Access token; renewed by itself",
                    "title_ja": "アクセストークン（自動で更新されます）",
                },
                "refresh_token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Refresh token; renewed by itself",
                    "title_ja": "リフレッシュトークン（自動で更新されます）",
                },
                "client_id": {
                    "type": "string",
                    "title": "Client id of the app, kept for the next login",
                    "title_ja": "アプリのクライアントID（再ログイン用の控え）",
                },
                "client_secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Client secret of the app, kept for the next login",
                    "title_ja": "アプリのクライアントシークレット（再ログイン用の控え）",
                },
                "route": {
                    "enum": ["no", "yes"],
                    "default": "no",
                    "title": "Route orders to merchants by the shop's code",
                    "title_ja": "店舗コードでショップへ振り分ける",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": URL,
                    "title": "Address of the API",
                    "title_ja": "APIのアドレス",
                },
            },
            "patternProperties": {
                r"^route\..+$": {
                    "type": "string",
                    "title": "Merchant of a shop",
                    "title_ja": "店舗コードに対応するショップ",
                },
            },
            "additionalProperties": False,
        },
        time_zone=ZONE,
        notifies_customer="maybe",  # its own mails (自動メール) go out until the shop switches them off
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("access_token", "refresh_token"),
        every=timedelta(minutes=10),
        pace=timedelta(seconds=1),
    ),
)  # fmt: skip
