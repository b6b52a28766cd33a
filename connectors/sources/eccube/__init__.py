"""EC-CUBE 4: thin webhooks, and the orders of its Web API plugin."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, secret, settings, text
from connectors.sources.eccube.asked import TOKENS, check, fetch
from connectors.sources.eccube.poll import poll
from connectors.sources.eccube.read import read
from connectors.sources.eccube.verify import identify, verify
from connectors.sources.eccube.words import CURRENCY, ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Secret of the webhook", "WebHookのSecret"),
        "url": address("Address of the shop (https://shop.example.jp)", "ショップのURL（例: https://shop.example.jp）"),
        "client_id": text("Client id of the API client", "APIクライアントのクライアントID"),
        "client_secret": secret("Client secret of the API client", "APIクライアントのクライアントシークレット"),
        "refresh_token": secret("Refresh token, renewed by itself", "リフレッシュトークン（自動で更新されます）"),
        "access_token": secret("Access token, fetched by itself", "アクセストークン（自動で取得されます）"),
        "timezone": text(
            "Time zone of the shop (IANA name), for days of delivery",
            "ショップのタイムゾーン（お届け日の判定に使います）",
            default=ZONE,
        ),
        "currency": text(
            "Currency of orders that name none (ISO 4217)",
            "通貨コードのない注文の通貨（ISO 4217）",
            default=CURRENCY,
            pattern="^[A-Z]{3}$",
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="eccube",
        title="EC-CUBE 4",
        title_ja="EC-CUBE 4",
        modes=("webhook", "poll"),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation", "eta"}),
        settings=SETTINGS,
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
