"""Shippo: tracks, by webhook and parcel by parcel."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, choice, number, secret, settings, text, yes_or_no
from connectors.sources.shippo.ask import check, fetch, subscribe
from connectors.sources.shippo.poll import DAYS, MOST, poll
from connectors.sources.shippo.read import ZONE, read
from connectors.sources.shippo.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "A long text of your own that stands in the address: ?token=<secret>",
            "受信アドレスの末尾（?token=）に付ける、推測されない長い文字列",
            least=16,
        ),
        "token": secret(
            "API token, for asking Shippo and for registering the webhook",
            "APIトークン（Shippoへの問い合わせとWebhookの登録に使います）",
        ),
        "url": address(default="https://api.goshippo.com"),
        "parcels": number(
            "How many parcels one poll asks about (one request for each)",
            "1回の照合で問い合わせる荷物の数（1件につき1回の問い合わせ）",
            MOST,
            digits=4,
        ),
        "days": number(
            "For how many days without any news a parcel is asked about", "動きのない荷物を何日間問い合わせるか", DAYS
        ),
        "others": yes_or_no(
            "yes: ask about parcels too of which Shippo has told nothing yet",
            "Shippoからまだ知らせのない荷物も問い合わせるか（yes: する）",
            default="no",
        ),
        "order_number": choice(
            "The field into which you put the shop's order number, if you do",
            "店舗の注文番号を入れている項目（入れている場合だけ）",
            "metadata",
        ),
        "timezone": text(
            "Time zone of the receivers (IANA name), for expected days of arrival",
            "お届け先のタイムゾーン（お届け予定日に使います。例: Asia/Tokyo）",
            default=ZONE,
        ),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="shippo",
        title="Shippo (tracking)",
        title_ja="Shippo（配送追跡）",
        modes=("webhook", "poll"),
        capabilities=frozenset({"tracking", "scans", "delivery_id", "eta"}),
        settings=SETTINGS,
        time_zone="UTC",
        notifies_customer="maybe",  # its tracking mails are switched on in its own settings
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        fetch=fetch,
        subscribe=subscribe,
        check=check,
        needs=("token",),
        every=timedelta(minutes=30),  # behind the webhook; a request for each parcel
        pace=timedelta(milliseconds=250),  # 240 of 500 requests a minute
    ),
)
