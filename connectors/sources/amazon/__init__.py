"""Amazon (Selling Partner API): notifications out of SQS, orders fetched and searched. Nobody is written to."""

from __future__ import annotations

from connectors.sources.amazon.ask import API
from connectors.sources.amazon.read import read
from connectors.sources.amazon.verify import identify, verify
from connectors.sources.amazon.words import ZONE
from engine.contracts import Manifest, Source

_SECRET = {"type": "string", "minLength": 1, "secret": True}

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
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    **_SECRET,
                    "title": "Signing secret of the forwarder (base64 of 24 to 64 random bytes)",
                    "title_ja": "転送プログラムの署名シークレット（24〜64バイトの乱数をBase64にしたもの）",
                },
                "client_id": {
                    "type": "string",
                    "minLength": 1,
                    "title": "LWA client id of the application",
                    "title_ja": "アプリのLWAクライアントID",
                },
                "client_secret": {
                    **_SECRET,
                    "title": "LWA client secret",
                    "title_ja": "LWAクライアントシークレット",
                },
                "refresh_token": {
                    **_SECRET,
                    "title": "Refresh token of the seller",
                    "title_ja": "出品者のリフレッシュトークン",
                },
                "access_token": {
                    **_SECRET,
                    "title": "Access token (fetched by itself)",
                    "title_ja": "アクセストークン（自動で取得します）",
                },
                "url": {
                    "type": "string",
                    "pattern": r"^https?://[^\s?#]+$",
                    "default": "https://sellingpartnerapi-fe.amazon.com",
                    "title": "Endpoint of the region: -fe (Japan, Australia, Singapore), -eu, -na",
                    "title_ja": "リージョンのエンドポイント（日本は -fe）",
                },
                "login": {
                    "type": "string",
                    "pattern": r"^https?://[^\s?#]+$",
                    "default": "https://api.amazon.com/auth/o2/token",
                    "title": "Address at which access tokens are fetched",
                    "title_ja": "アクセストークンを取得するアドレス",
                },
                "marketplaces": {
                    "type": "string",
                    "pattern": r"^[A-Z0-9]{8,20}( *, *[A-Z0-9]{8,20})*$",
                    "default": "A1VC38T7YXB528",
                    "title": "Ids of the marketplaces whose orders are searched (Japan: A1VC38T7YXB528)",
                    "title_ja": "注文を検索するマーケットプレイスID（日本: A1VC38T7YXB528）",
                },
                "orders_api": {
                    "type": "string",
                    "enum": ["2026-01-01", "v0"],
                    "default": "2026-01-01",
                    "title": "Version of the Orders API",
                    "title_ja": "Orders APIのバージョン",
                },
                "timezone": {
                    "type": "string",
                    "minLength": 1,
                    "default": ZONE,
                    "title": "Time zone in which promised days of dispatch are counted (IANA name)",
                    "title_ja": "出荷予定日を数えるタイムゾーン（例: Asia/Tokyo）",
                },
            },
            "additionalProperties": False,
        },
        time_zone=ZONE,
        notifies_customer="yes",
        notify="no",  # Amazon forbids messages to its buyers beyond the few that its own service sends
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
