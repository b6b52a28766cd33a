"""ShipStation: orders, shipments and fulfilments of V1, tracking events of V2."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, secret, settings, text
from connectors.sources.shipstation.hooks import check, subscribe
from connectors.sources.shipstation.poll import fetch, poll
from connectors.sources.shipstation.read import read
from connectors.sources.shipstation.resources import URL
from connectors.sources.shipstation.verify import identify, verify
from connectors.sources.shipstation.words import CURRENCY, ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Token in the address that webhooks are posted to (?token=...)",
            "Webhookの送信先アドレスに付けるトークン（?token=...）",
        ),
        "key": secret("API key (V1)", "APIキー（V1）"),
        "api_secret": secret("API secret (V1)", "APIシークレット（V1）"),
        "store": text(
            "Store id: only its orders are asked for",
            "ストアID（指定すると、そのストアだけを取得）",
            pattern="^[0-9]{1,12}$",
        ),
        "currency": text(
            "Currency of the amounts, which ShipStation does not tell",
            "金額の通貨（ShipStationからは届きません）",
            default=CURRENCY,
            pattern="^[A-Za-z]{3}$",
        ),
        "jwks": secret(
            "Keys that ShipStation publishes for V2; fetched and renewed by Todoke",
            "ShipStationがV2用に公開する鍵（自動で取得・更新します）",
        ),
        "url": address("Address of the API (V1)", "APIのアドレス（V1）", default=URL),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="shipstation",
        title="ShipStation",
        title_ja="ShipStation",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "eta",
        }),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # its shipment and delivery mails are set per store
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        fetch=fetch,
        subscribe=subscribe,
        check=check,
        needs=("key", "api_secret"),
        every=timedelta(minutes=10),
        pace=timedelta(seconds=1.5),
        settle=timedelta(seconds=3),
    ),
    judged_by=("secret", "jwks"),
)  # fmt: skip
