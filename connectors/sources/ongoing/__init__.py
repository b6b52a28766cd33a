"""Ongoing WMS: order and shipment webhooks, orders fetched and polled over its REST API, one goods owner or many."""

from __future__ import annotations

from connectors.sources.ongoing.ask import API
from connectors.sources.ongoing.read import read
from connectors.sources.ongoing.verify import identify, verify
from connectors.sources.ongoing.words import ZONE
from engine.contracts import Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="ongoing",
        title="Ongoing WMS",
        title_ja="Ongoing WMS",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "routing",
            "delivery_id",
        }),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Secret of the webhooks: in the header X-Auth-Token, or as ?token= in the address",
                    "title_ja": "Webhookの合言葉（ヘッダー X-Auth-Token、またはアドレスの ?token=）",
                },
                "url": {
                    "type": "string",
                    "pattern": r"^https?://[^\s?#]+$",
                    "title": "Address of your Ongoing instance, as https://api.ongoingsystems.se/your-instance",
                    "title_ja": "Ongoingのアドレス（例: https://api.ongoingsystems.se/your-instance）",
                },
                "user": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "User of the REST API",
                    "title_ja": "REST APIのユーザー名",
                },
                "password": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Password of the REST API",
                    "title_ja": "REST APIのパスワード",
                },
                "goods_owners": {
                    "type": "string",
                    "pattern": r"^\d{1,12}( *, *\d{1,12})*$",
                    "title": "Ids of goods owners whose orders are polled, as 12,13; those of route.<id> always are",
                    "title_ja": "定期取得する荷主のID（例: 12,13。route.<ID> の荷主は自動で含みます）",
                },
                "route": {
                    "type": "string",
                    "enum": ["yes", "no"],
                    "title": "The connection serves several merchants: whose an order is, goodsOwnerId says",
                    "title_ja": "複数の店舗の荷主を扱う（どの店舗の注文かは goodsOwnerId で決まる）",
                },
                "timezone": {
                    "type": "string",
                    "minLength": 1,
                    "default": ZONE,
                    "title": "Time zone of the instance (IANA name): its times carry none",
                    "title_ja": "Ongoingのタイムゾーン（時刻にオフセットがないため。例: Europe/Stockholm）",
                },
            },
            "patternProperties": {
                r"^route\.\d{1,12}$": {
                    "type": "string",
                    "minLength": 1,
                    "title": "Merchant of a goods owner, by its id: route.12=tsukumo",
                    "title_ja": "荷主IDに対応する店舗（例: route.12=tsukumo）",
                }
            },
            "additionalProperties": False,
        },
        time_zone=ZONE,
        notifies_customer="maybe",  # the carrier's own notices can be switched on for each order
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
