"""Shippo: tracks, by webhook."""

from __future__ import annotations

from datetime import timedelta

from connectors.sources.shippo.ask import check, fetch, subscribe
from connectors.sources.shippo.read import ZONE, read
from connectors.sources.shippo.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="shippo",
        title="Shippo (tracking)",
        title_ja="Shippo（配送追跡）",
        modes=("webhook",),
        capabilities=frozenset({"tracking", "scans", "eta"}),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 16,
                    "secret": True,
                    "title": "A long text of your own that stands in the address: ?token=<secret>",
                    "title_ja": "受信アドレスの末尾（?token=）に付ける、推測されない長い文字列",
                },
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "API token, for asking Shippo and for registering the webhook",
                    "title_ja": "APIトークン（Shippoへの問い合わせとWebhookの登録に使います）",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": "https://api.goshippo.com",
                    "title": "Address of the API",
                    "title_ja": "APIのアドレス",
                },
                "order_number": {
                    "type": "string",
                    "enum": ["metadata"],
                    "title": "The field into which you put the shop's order number, if you do",
                    "title_ja": "店舗の注文番号を入れている項目（入れている場合だけ）",
                },
                "timezone": {
                    "type": "string",
                    "minLength": 1,
                    "default": ZONE,
                    "title": "Time zone of the receivers (IANA name), for expected days of arrival",
                    "title_ja": "お届け先のタイムゾーン（お届け予定日に使います。例: Asia/Tokyo）",
                },
            },
            "required": ["secret"],
            "additionalProperties": False,
        },
        time_zone="UTC",
        notifies_customer="maybe",  # its tracking mails are switched on in its own settings
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        fetch=fetch,
        subscribe=subscribe,
        check=check,
        needs=("token",),
        pace=timedelta(milliseconds=250),
    ),
)
