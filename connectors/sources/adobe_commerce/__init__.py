"""Adobe Commerce and Magento 2: orders, shipments and credit memos by polling, events as hints to look at once."""

from __future__ import annotations

from connectors.sources.adobe_commerce.ask import API
from connectors.sources.adobe_commerce.read import read
from connectors.sources.adobe_commerce.verify import identify, verify
from engine.contracts import Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="adobe_commerce",
        title="Adobe Commerce (Magento 2)",
        title_ja="Adobe Commerce（Magento 2）",
        modes=("poll", "webhook"),
        capabilities=frozenset({
            "items", "contact", "tracking", "partial_shipments", "returns", "cancellation",
        }),
        settings={
            "type": "object",
            "properties": {
                "url": {
                    "type": "string",
                    "pattern": r"^https?://[^\s?#]+$",
                    "title": "Address of the shop, as https://shop.example.jp",
                    "title_ja": "ショップのアドレス（例: https://shop.example.jp）",
                },
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Access token of an integration with the resource Sales",
                    "title_ja": "インテグレーションのアクセストークン（リソース: 販売）",
                },
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "For events: the token in the address (?token=...)",
                    "title_ja": "イベント用: アドレスの ?token= に付ける合言葉",
                },
                "public_key": {
                    "type": "string",
                    "minLength": 1,
                    "title": "For webhooks: public key (PEM) of Stores, Configuration, Adobe Services, Webhooks",
                    "title_ja": "Webhook用: 公開鍵（PEM。ストア > 設定 > Adobe Services > Webhooks）",
                },
                "locale": {
                    "type": "string",
                    "pattern": "^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$",
                    "title": "Language of the shop's customers, which Magento does not tell",
                    "title_ja": "お客様の言語（Magentoからは届きません。例: ja）",
                },
            },
            "additionalProperties": False,
        },
        time_zone="UTC",  # what the API writes, whatever the shop's own zone
        notifies_customer="maybe",  # order, shipment and credit memo mails are on until the shop switches them off
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
