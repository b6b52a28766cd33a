"""Openlogi: shipments of a warehouse, polled."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.parts.settings import address, secret, settings
from connectors.sources.openlogi.asked import URL, check
from connectors.sources.openlogi.poll import poll
from connectors.sources.openlogi.read import read
from connectors.sources.openlogi.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "token": secret("API token", "APIトークン"),
        "url": address(
            "Address of the API (trial: https://api-demo.openlogi.com/api)",
            "APIのアドレス（デモ環境: https://api-demo.openlogi.com/api）",
            default=URL,
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="openlogi",
        title="Openlogi",
        title_ja="オープンロジ",
        modes=("poll",),
        capabilities=frozenset({"tracking", "partial_shipments", "eta"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # about the dispatch, where the shipment has a mail address for it
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("token",),
        every=timedelta(minutes=10),
        pace=timedelta(milliseconds=1100),
    ),
)
