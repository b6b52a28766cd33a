"""WooCommerce: order webhooks and polling, with the parcels of its Shipment Tracking extension."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, language, secret, settings, text
from connectors.sources.woocommerce.check import check
from connectors.sources.woocommerce.poll import poll
from connectors.sources.woocommerce.read import read
from connectors.sources.woocommerce.subscribe import subscribe
from connectors.sources.woocommerce.verify import identify, verify
from connectors.sources.woocommerce.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Secret of the webhooks", "Webhookのシークレット"),
        "url": address(
            "Address of the shop: https://shop.example.jp", "ショップのアドレス（例: https://shop.example.jp）"
        ),
        "consumer_key": secret(
            "Consumer key of the REST API (Read/Write)", "REST APIのコンシューマーキー（読み取り/書き込み）"
        ),
        "consumer_secret": secret("Consumer secret of the REST API", "REST APIのコンシューマーシークレット"),
        "timezone": text(
            "Time zone of the shop (IANA name), for times that carry none",
            "ショップのタイムゾーン（例: Asia/Tokyo）",
            default=ZONE,
        ),
        "locale": language(
            "Language of the shop's customers, which WooCommerce does not tell",
            "お客様の言語（WooCommerceからは届きません。例: ja）",
        ),
        "order": text(
            "Order id of a recorded list of trackings that has no links",
            "記録した追跡番号の一覧に注文IDがない場合の注文ID",
        ),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="woocommerce",
        title="WooCommerce",
        title_ja="WooCommerce",
        modes=("webhook", "poll"),
        capabilities=frozenset(
            {"items", "contact", "tracking", "partial_shipments", "returns", "cancellation", "delivery_id"}
        ),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # it mails about orders until the shop switches those mails off
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        subscribe=subscribe,
        check=check,
        needs=("url", "consumer_key", "consumer_secret"),
        pace=timedelta(milliseconds=200),  # no limit is documented; the shop's host sells to customers meanwhile
    ),
)  # fmt: skip
