"""Adobe Commerce and Magento 2: orders, shipments and credit memos by polling, events as hints to look at once."""

from __future__ import annotations

from connectors.parts.settings import address, language, secret, settings, text
from connectors.sources.adobe_commerce.ask import API
from connectors.sources.adobe_commerce.read import read
from connectors.sources.adobe_commerce.verify import identify, verify
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "url": address(
            "Address of the shop, as https://shop.example.jp", "ショップのアドレス（例: https://shop.example.jp）"
        ),
        "token": secret(
            "Access token of an integration with the resource Sales",
            "インテグレーションのアクセストークン（リソース: 販売）",
        ),
        "secret": secret(
            "For events: the token in the address (?token=...)", "イベント用: アドレスの ?token= に付ける合言葉"
        ),
        "public_key": text(
            "For webhooks: public key (PEM) of Stores, Configuration, Adobe Services, Webhooks",
            "Webhook用: 公開鍵（PEM。ストア > 設定 > Adobe Services > Webhooks）",
        ),
        "locale": language(
            "Language of the shop's customers, which Magento does not tell",
            "お客様の言語（Magentoからは届きません。例: ja）",
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="adobe_commerce",
        title="Adobe Commerce (Magento 2)",
        title_ja="Adobe Commerce（Magento 2）",
        modes=("poll", "webhook"),
        capabilities=frozenset({
            "items", "contact", "tracking", "partial_shipments", "returns", "cancellation",
        }),
        settings=SETTINGS,
        time_zone="UTC",  # what the API writes, whatever the shop's own zone
        notifies_customer="maybe",  # order, shipment and credit memo mails are on until the shop switches them off
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
