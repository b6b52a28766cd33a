"""WooCommerce: order webhooks and polling, with the parcels of its Shipment Tracking extension."""

from __future__ import annotations

from datetime import timedelta

from connectors.sources.woocommerce.check import check
from connectors.sources.woocommerce.poll import poll
from connectors.sources.woocommerce.read import read
from connectors.sources.woocommerce.subscribe import subscribe
from connectors.sources.woocommerce.verify import identify, verify
from connectors.sources.woocommerce.words import ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="woocommerce",
        title="WooCommerce",
        title_ja="WooCommerce",
        modes=("webhook", "poll"),
        capabilities=frozenset(
            {"items", "contact", "tracking", "partial_shipments", "returns", "cancellation", "delivery_id"}
        ),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Secret of the webhooks",
                    "title_ja": "Webhookのシークレット",
                },
                "url": {
                    "type": "string",
                    "pattern": r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
                    "title": "Address of the shop: https://shop.example.jp",
                    "title_ja": "ショップのアドレス（例: https://shop.example.jp）",
                },
                "consumer_key": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Consumer key of the REST API (Read/Write)",
                    "title_ja": "REST APIのコンシューマーキー（読み取り/書き込み）",
                },
                "consumer_secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Consumer secret of the REST API",
                    "title_ja": "REST APIのコンシューマーシークレット",
                },
                "timezone": {
                    "type": "string",
                    "minLength": 1,
                    "default": ZONE,
                    "title": "Time zone of the shop (IANA name), for times that carry none",
                    "title_ja": "ショップのタイムゾーン（例: Asia/Tokyo）",
                },
                "locale": {
                    "type": "string",
                    "pattern": "^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$",
                    "title": "Language of the shop's customers, which WooCommerce does not tell",
                    "title_ja": "お客様の言語（WooCommerceからは届きません。例: ja）",
                },
                "order": {
                    "type": "string",
                    "minLength": 1,
                    "title": "Order id of a recorded list of trackings that has no links",
                    "title_ja": "記録した追跡番号の一覧に注文IDがない場合の注文ID",
                },
            },
            "required": ["secret"],
            "additionalProperties": False,
        },
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
