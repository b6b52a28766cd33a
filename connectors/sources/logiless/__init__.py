"""LOGILESS: orders and deliveries of Japanese shops and their warehouses, in one system. Polled only."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.parts.settings import address, secret, settings, text
from connectors.sources.logiless.asked import MONTH, URL
from connectors.sources.logiless.check import check
from connectors.sources.logiless.poll import poll
from connectors.sources.logiless.read import read
from connectors.sources.logiless.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "merchant_id": text(
            "Merchant id, the number in the address of the management screen",
            "マーチャントID（管理画面のURLにある数字）",
            pattern=r"^\d{1,12}$",
        ),
        "client_id": text("Client id of the app", "アプリケーションのクライアントID"),
        "client_secret": secret("Client secret of the app", "アプリケーションのクライアントシークレット"),
        "access_token": secret("Access token; renewed by itself", "アクセストークン（自動で更新されます）"),
        "refresh_token": secret("Refresh token; renewed by itself", "リフレッシュトークン（自動で更新されます）"),
        "store": text("Only orders of this store (its id)", "この店舗IDの注文だけを取得する", pattern=r"^\d{1,12}$"),
        "url": address("Address of LOGILESS", "LOGILESSのアドレス", default=URL),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="logiless",
        title="LOGILESS",
        title_ja="LOGILESS（ロジレス）",
        modes=("poll",),
        capabilities=frozenset({
            "items", "contact", "tracking", "partial_shipments", "cancellation", "routing", "eta",
        }),
        settings=SETTINGS,
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
