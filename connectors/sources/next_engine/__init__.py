"""Next Engine (ネクストエンジン): the hub of malls and shops that most Japanese warehouses know. Polled only."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.parts.settings import address, secret, settings, text
from connectors.sources.next_engine.asked import URL
from connectors.sources.next_engine.check import check
from connectors.sources.next_engine.poll import poll
from connectors.sources.next_engine.read import read
from connectors.sources.next_engine.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "access_token": secret("Access token; renewed by itself", "アクセストークン（自動で更新されます）"),
        "refresh_token": secret("Refresh token; renewed by itself", "リフレッシュトークン（自動で更新されます）"),
        "client_id": text(
            "Client id of the app, kept for the next login", "アプリのクライアントID（再ログイン用の控え）"
        ),
        "client_secret": secret(
            "Client secret of the app, kept for the next login",
            "アプリのクライアントシークレット（再ログイン用の控え）",
        ),
        "url": address(default=URL),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="next_engine",
        title="Next Engine",
        title_ja="ネクストエンジン",
        modes=("poll",),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "routing", "eta",
        }),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # its own mails (自動メール) go out until the shop switches them off
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("access_token", "refresh_token"),
        every=timedelta(minutes=10),
        pace=timedelta(seconds=1),
    ),
)  # fmt: skip
