"""AfterShip Tracking: trackings, by webhook and by its list."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, secret, settings, text
from connectors.sources.aftership.ask import check, fetch, poll
from connectors.sources.aftership.read import ZONE, read
from connectors.sources.aftership.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Webhook secret", "Webhookのシークレット"),
        "token": secret("API key, for asking AfterShip", "APIキー（AfterShipへの問い合わせに使います）"),
        "url": address(
            "Address of the API with its version",
            "APIのアドレス（バージョンまで）",
            default="https://api.aftership.com/tracking/2026-07",
        ),
        "timezone": text(
            "Time zone (IANA name) of scans without an offset whose country does not tell it",
            "時差のない時刻のタイムゾーン（国から決まらない場合。例: Asia/Tokyo）",
            default=ZONE,
        ),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="aftership",
        title="AfterShip Tracking",
        title_ja="AfterShip Tracking",
        modes=("webhook", "poll"),
        capabilities=frozenset({"tracking", "scans", "delivery_id", "eta"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # notifications are switched on in its own admin
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        fetch=fetch,
        check=check,
        needs=("token",),
        every=timedelta(minutes=30),  # behind the webhook
        pace=timedelta(milliseconds=150),  # 10 requests a second for the whole account
    ),
)
