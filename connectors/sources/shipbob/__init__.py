"""ShipBob: orders, shipments and returns of a fulfilment provider, by webhooks and by polling."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, secret, settings, text
from connectors.sources.shipbob.asked import URL, VERSION
from connectors.sources.shipbob.hooks import check, subscribe
from connectors.sources.shipbob.poll import poll
from connectors.sources.shipbob.read import read
from connectors.sources.shipbob.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "token": secret("Personal access token", "パーソナルアクセストークン（PAT）"),
        "secret": secret(
            "Signing secret of the webhooks; kept by itself when Todoke registers them",
            "Webhookの署名シークレット（Todokeが登録する場合は自動で保存）",
        ),
        "channel": text(
            "Channel id: only its orders are asked for",
            "チャネルID（指定すると、そのチャネルの注文だけを取得）",
            pattern="^[0-9]{1,12}$",
        ),
        "version": text(
            "Version of the API, as it stands in its addresses",
            "APIのバージョン",
            default=VERSION,
            pattern=r"^([0-9]{4}-[0-9]{2}|[0-9]\.[0-9]|experimental)$",
        ),
        "url": address(
            "Address of the API (the sandbox has another)", "APIのアドレス（サンドボックスは別のアドレス）", default=URL
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="shipbob",
        title="ShipBob",
        title_ja="ShipBob",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "delivery_id",
        }),
        settings=SETTINGS,
        time_zone="UTC",
        notifies_customer="maybe",  # its own tracking mails are switched on per merchant
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        subscribe=subscribe,
        check=check,
        needs=("token",),
        every=timedelta(minutes=10),
        pace=timedelta(seconds=0.4),
    ),
)  # fmt: skip
