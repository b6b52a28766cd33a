"""LOGILESS: orders and deliveries of Japanese shops and their warehouses, in one system. Polled only."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.sources.logiless.asked import MONTH, URL
from connectors.sources.logiless.check import check
from connectors.sources.logiless.poll import poll
from connectors.sources.logiless.read import read
from connectors.sources.logiless.words import ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="logiless",
        title="LOGILESS",
        title_ja="LOGILESS（ロジレス）",
        modes=("poll",),
        capabilities=frozenset({
            "items", "contact", "tracking", "partial_shipments", "cancellation", "routing", "eta",
        }),
        settings={
            "type": "object",
            "properties": {
                "merchant_id": {
                    "type": "string",
                    "pattern": r"^\d{1,12}$",
                    "title": "Merchant id, the number in the address of the management screen",
                    "title_ja": "マーチャントID（管理画面のURLにある数字）",
                },
                "client_id": {
                    "type": "string",
                    "title": "Client id of the app",
                    "title_ja": "アプリケーションのクライアントID",
                },
                "client_secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Client secret of the app",
                    "title_ja": "アプリケーションのクライアントシークレット",
                },
                "access_token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Access token; renewed by itself",
                    "title_ja": "アクセストークン（自動で更新されます）",
                },
                "refresh_token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Refresh token; renewed by itself",
                    "title_ja": "リフレッシュトークン（自動で更新されます）",
                },
                "store": {
                    "type": "string",
                    "pattern": r"^\d{1,12}$",
                    "title": "Only orders of this store (its id)",
                    "title_ja": "この店舗IDの注文だけを取得する",
                },
                "route": {
                    "enum": ["no", "yes"],
                    "default": "no",
                    "title": "Route orders to merchants by the store's id",
                    "title_ja": "店舗IDでショップへ振り分ける",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": URL,
                    "title": "Address of LOGILESS",
                    "title_ja": "LOGILESSのアドレス",
                },
            },
            "patternProperties": {
                r"^route\..+$": {
                    "type": "string",
                    "title": "Merchant of a store",
                    "title_ja": "店舗IDに対応するショップ",
                },
            },
            "additionalProperties": False,
        },
        time_zone=ZONE,
        notifies_customer="maybe",  # it can send 発送メール, if the shop has set that up
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("merchant_id", "access_token"),
        every=timedelta(minutes=5),
        pace=timedelta(seconds=1),
        lifetimes={"access_token": MONTH, "refresh_token": MONTH},
    ),
)  # fmt: skip
