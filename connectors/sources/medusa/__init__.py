"""Medusa (v2): events forwarded by our subscriber, orders fetched and polled from its admin API."""

from __future__ import annotations

from connectors.parts.senders.standard_webhooks import identify, verify
from connectors.sources.medusa.ask import API
from connectors.sources.medusa.read import read
from engine.contracts import Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="medusa",
        title="Medusa",
        title_ja="Medusa",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "delivery_id",
        }),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Signing secret of our subscriber (base64 of 24 to 64 random bytes)",
                    "title_ja": "サブスクライバーの署名シークレット（24〜64バイトの乱数をBase64にしたもの）",
                },
                "url": {
                    "type": "string",
                    "pattern": r"^https?://[^\s?#]+$",
                    "title": "Address of the Medusa backend, as https://shop-backend.example.jp",
                    "title_ja": "Medusaバックエンドのアドレス（例: https://shop-backend.example.jp）",
                },
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Secret API key",
                    "title_ja": "シークレットAPIキー",
                },
                "locale": {
                    "type": "string",
                    "pattern": "^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$",
                    "title": "Language of the shop's customers, where an order tells none",
                    "title_ja": "注文に言語がない場合のお客様の言語（例: ja）",
                },
            },
            "additionalProperties": False,
        },
        notifies_customer="maybe",  # Medusa itself writes to nobody; a subscriber of the shop may
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
