"""EasyPost: trackers, by events that it posts and by its list."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.settings import address, number, secret, settings, text
from connectors.sources.easypost.ask import check, fetch, poll, subscribe
from connectors.sources.easypost.read import ZONE, read
from connectors.sources.easypost.verify import identify, verify
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Webhook secret: a long text of your own, the same as at EasyPost",
            "Webhookのシークレット（EasyPostに登録するものと同じ文字列）",
        ),
        "token": secret(
            "API key, for asking EasyPost and for registering the webhook",
            "APIキー（EasyPostへの問い合わせとWebhookの登録に使います）",
        ),
        "url": address(default="https://api.easypost.com/v2"),
        "days": number(
            "For how many days after it was made a tracker is asked for", "作成から何日間、追跡情報を問い合わせるか", 30
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
        name="easypost",
        title="EasyPost (tracking)",
        title_ja="EasyPost（配送追跡）",
        modes=("webhook", "poll"),
        capabilities=frozenset({"tracking", "scans", "delivery_id", "eta"}),
        settings=SETTINGS,
        time_zone="UTC",
        notifies_customer="maybe",  # its tracking mails are an option of the account
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
        every=timedelta(hours=1),  # the list shows no changes, only trackers: it is read whole, behind the webhook
        pace=timedelta(milliseconds=250),
    ),
)
