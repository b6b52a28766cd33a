"""EC-CUBE 4: thin webhooks, and the orders of its Web API plugin."""

from __future__ import annotations

from datetime import timedelta

from connectors.sources.eccube.asked import TOKENS, check, fetch
from connectors.sources.eccube.poll import poll
from connectors.sources.eccube.read import read
from connectors.sources.eccube.verify import identify, verify
from connectors.sources.eccube.words import CURRENCY, ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="eccube",
        title="EC-CUBE 4",
        title_ja="EC-CUBE 4",
        modes=("webhook", "poll"),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation", "eta"}),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Secret of the webhook",
                    "title_ja": "WebHookのSecret",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "title": "Address of the shop (https://shop.example.jp)",
                    "title_ja": "ショップのURL（例: https://shop.example.jp）",
                },
                "client_id": {
                    "type": "string",
                    "minLength": 1,
                    "title": "Client id of the API client",
                    "title_ja": "APIクライアントのクライアントID",
                },
                "client_secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Client secret of the API client",
                    "title_ja": "APIクライアントのクライアントシークレット",
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
                "timezone": {
                    "type": "string",
                    "minLength": 1,
                    "default": ZONE,
                    "title": "Time zone of the shop (IANA name), for days of delivery",
                    "title_ja": "ショップのタイムゾーン（お届け日の判定に使います）",
                },
                "currency": {
                    "type": "string",
                    "pattern": "^[A-Z]{3}$",
                    "default": CURRENCY,
                    "title": "Currency of orders that name none (ISO 4217)",
                    "title_ja": "通貨コードのない注文の通貨（ISO 4217）",
                },
            },
            "additionalProperties": False,
        },
        time_zone="UTC",
        notifies_customer="maybe",  # about the order by itself, about the dispatch when the shop wishes
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        fetch=fetch,
        check=check,
        needs=("url",),
        settle=timedelta(seconds=8),
        lifetimes={"refresh_token": TOKENS},
    ),
)
