"""WooCommerce: order webhooks, and the parcels of its Shipment Tracking extension."""

from __future__ import annotations

from connectors.sources.woocommerce.read import read
from connectors.sources.woocommerce.verify import identify, verify
from connectors.sources.woocommerce.words import ZONE
from engine.contracts import Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="woocommerce",
        title="WooCommerce",
        title_ja="WooCommerce",
        modes=("webhook",),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation"}),
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
)
