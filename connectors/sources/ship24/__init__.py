"""Ship24: trackings, by webhook and by the results of its trackers."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, choice, number, secret, settings, text
from connectors.sources.ship24.ask import check, fetch, poll
from connectors.sources.ship24.read import read
from connectors.sources.ship24.trackings import ZONE
from connectors.sources.ship24.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Webhook secret of the account", "Webhookのシークレット"),
        "token": secret("API key, for asking Ship24", "APIキー（Ship24への問い合わせに使います）"),
        "url": address(default="https://api.ship24.com/public/v1"),
        "days": number(
            "For how many days after it was made a tracker is asked for (one request for each)",
            "作成から何日間、追跡情報を問い合わせるか（1件につき1回の問い合わせ）",
            14,
        ),
        "order_number": choice(
            "The field into which you put the shop's order number, if you do",
            "店舗の注文番号を入れている項目（入れている場合だけ）",
            "shipmentReference",
            "clientTrackerId",
        ),
        "timezone": text(
            "Time zone (IANA name) of scans without an offset",
            "時差のない時刻のタイムゾーン（例: Asia/Tokyo）",
            default=ZONE,
        ),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="ship24",
        title="Ship24",
        title_ja="Ship24",
        modes=("webhook", "poll"),
        capabilities=frozenset({"tracking", "scans", "delivery_id", "eta"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # when a tracker was made with the receiver's mail address
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        fetch=fetch,
        check=check,
        needs=("token",),
        every=timedelta(hours=6),  # behind the webhook; a request for each tracker
        pace=timedelta(milliseconds=150),  # 10 requests a second
    ),
)
