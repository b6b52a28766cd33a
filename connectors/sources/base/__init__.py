"""BASE: orders, polled."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.parts.settings import address, own_mails, secret, settings, text
from connectors.sources.base.asked import TOKENS, URL, check
from connectors.sources.base.poll import poll
from connectors.sources.base.read import read
from connectors.sources.base.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "client_id": text("Client id of the app", "アプリのクライアントID"),
        "client_secret": secret("Client secret of the app", "アプリのクライアントシークレット"),
        "redirect_uri": text(
            "Callback URL of the app, as it is registered", "アプリに登録したコールバックURL", pattern="^https?://"
        ),
        "refresh_token": secret("Refresh token, renewed by itself", "リフレッシュトークン（自動で更新されます）"),
        "access_token": secret("Access token, fetched by itself", "アクセストークン（自動で取得されます）"),
        "own_mails": own_mails("BASE's", "BASE"),
        "url": address(default=URL),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="base",
        title="BASE",
        title_ja="BASE",
        modes=("poll",),
        capabilities=frozenset({"items", "contact", "tracking", "scans", "partial_shipments", "cancellation", "eta"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="yes",
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("refresh_token",),
        every=timedelta(minutes=5),
        pace=timedelta(milliseconds=250),  # one poll asks little; the limit counts by the hour
        lifetimes={"refresh_token": TOKENS},
    ),
)
