"""Medusa (v2): events forwarded by our subscriber, orders fetched and polled from its admin API."""

from __future__ import annotations

from connectors.parts.senders.standard_webhooks import identify, verify
from connectors.parts.settings import address, language, secret, settings
from connectors.sources.medusa.ask import API
from connectors.sources.medusa.read import read
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Signing secret of our subscriber (base64 of 24 to 64 random bytes)",
            "サブスクライバーの署名シークレット（24〜64バイトの乱数をBase64にしたもの）",
        ),
        "url": address(
            "Address of the Medusa backend, as https://shop-backend.example.jp",
            "Medusaバックエンドのアドレス（例: https://shop-backend.example.jp）",
        ),
        "token": secret("Secret API key", "シークレットAPIキー"),
        "locale": language(
            "Language of the shop's customers, where an order tells none",
            "注文に言語がない場合のお客様の言語（例: ja）",
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="medusa",
        title="Medusa",
        title_ja="Medusa",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "delivery_id",
        }),
        settings=SETTINGS,
        notifies_customer="maybe",  # Medusa itself writes to nobody; a subscriber of the shop may
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
