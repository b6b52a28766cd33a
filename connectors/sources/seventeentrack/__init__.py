"""17TRACK: registered numbers, by webhook and by its list."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, choice, secret, settings, text
from connectors.sources.seventeentrack.ask import check, fetch, poll
from connectors.sources.seventeentrack.read import ZONE, read
from connectors.sources.seventeentrack.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "API key (the webhooks are signed with it, and the API is asked with it)",
            "APIキー（Webhookの署名とAPIの問い合わせの両方に使います）",
        ),
        "url": address(
            "Address of the API with its version",
            "APIのアドレス（バージョンまで）",
            default="https://api.17track.net/track/v2.4",
        ),
        "order_number": choice(
            "The field into which you put the shop's order number, if it is not order_no",
            "店舗の注文番号を入れている項目（order_no 以外に入れている場合だけ）",
            "tag",
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
        name="seventeentrack",
        title="17TRACK",
        title_ja="17TRACK",
        modes=("webhook", "poll"),
        capabilities=frozenset({"tracking", "scans", "delivery_id", "eta"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # when a number was registered with a mail address
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        fetch=fetch,
        check=check,
        needs=("secret",),
        every=timedelta(hours=1),  # behind the webhook
        pace=timedelta(milliseconds=400),  # 3 requests a second
    ),
)
