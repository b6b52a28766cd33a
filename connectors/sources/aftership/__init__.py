"""AfterShip Tracking: trackings, by webhook and by its list."""

from __future__ import annotations

from datetime import timedelta

from connectors.sources.aftership.ask import check, fetch, poll
from connectors.sources.aftership.read import ZONE, read
from connectors.sources.aftership.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="aftership",
        title="AfterShip Tracking",
        title_ja="AfterShip Tracking",
        modes=("webhook", "poll"),
        capabilities=frozenset({"tracking", "scans", "delivery_id", "eta"}),
        settings={
            "type": "object",
            "properties": {
                "secret": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Webhook secret",
                    "title_ja": "Webhookのシークレット",
                },
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "API key, for asking AfterShip",
                    "title_ja": "APIキー（AfterShipへの問い合わせに使います）",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": "https://api.aftership.com/tracking/2026-07",
                    "title": "Address of the API with its version",
                    "title_ja": "APIのアドレス（バージョンまで）",
                },
                "timezone": {
                    "type": "string",
                    "minLength": 1,
                    "default": ZONE,
                    "title": "Time zone (IANA name) of scans without an offset whose country does not tell it",
                    "title_ja": "時差のない時刻のタイムゾーン（国から決まらない場合。例: Asia/Tokyo）",
                },
            },
            "required": ["secret"],
            "additionalProperties": False,
        },
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
