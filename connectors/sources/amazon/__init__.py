"""Amazon (Selling Partner API): notifications out of SQS, orders fetched and searched. Nobody is written to."""

from __future__ import annotations

from connectors.parts.settings import address, choice, secret, settings, text
from connectors.sources.amazon.ask import API
from connectors.sources.amazon.read import read
from connectors.sources.amazon.verify import identify, verify
from connectors.sources.amazon.words import ZONE
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Signing secret of the forwarder (base64 of 24 to 64 random bytes)",
            "転送プログラムの署名シークレット（24〜64バイトの乱数をBase64にしたもの）",
        ),
        "client_id": text("LWA client id of the application", "アプリのLWAクライアントID"),
        "client_secret": secret("LWA client secret", "LWAクライアントシークレット"),
        "refresh_token": secret("Refresh token of the seller", "出品者のリフレッシュトークン"),
        "access_token": secret("Access token (fetched by itself)", "アクセストークン（自動で取得します）"),
        "url": address(
            "Endpoint of the region: -fe (Japan, Australia, Singapore), -eu, -na",
            "リージョンのエンドポイント（日本は -fe）",
            default="https://sellingpartnerapi-fe.amazon.com",
        ),
        "login": address(
            "Address at which access tokens are fetched",
            "アクセストークンを取得するアドレス",
            default="https://api.amazon.com/auth/o2/token",
        ),
        "marketplaces": text(
            "Ids of the marketplaces whose orders are searched (Japan: A1VC38T7YXB528)",
            "注文を検索するマーケットプレイスID（日本: A1VC38T7YXB528）",
            default="A1VC38T7YXB528",
            pattern=r"^[A-Z0-9]{8,20}( *, *[A-Z0-9]{8,20})*$",
        ),
        "orders_api": choice(
            "Version of the Orders API", "Orders APIのバージョン", "2026-01-01", "v0", default="2026-01-01"
        ),
        "timezone": text(
            "Time zone in which promised days of dispatch are counted (IANA name)",
            "出荷予定日を数えるタイムゾーン（例: Asia/Tokyo）",
            default=ZONE,
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="amazon",
        title="Amazon (Selling Partner API)",
        title_ja="Amazon（Selling Partner API）",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "delivery_id",
            "eta",
        }),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="yes",
        notify="no",  # Amazon forbids messages to its buyers beyond the few that its own service sends
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
