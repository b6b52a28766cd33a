"""Openlogi: shipments of a warehouse, polled."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.sources.openlogi.asked import URL, check
from connectors.sources.openlogi.poll import poll
from connectors.sources.openlogi.read import read
from connectors.sources.openlogi.words import ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="openlogi",
        title="Openlogi",
        title_ja="オープンロジ",
        modes=("poll",),
        capabilities=frozenset({"tracking", "partial_shipments", "eta"}),
        settings={
            "type": "object",
            "properties": {
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "API token",
                    "title_ja": "APIトークン",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": URL,
                    "title": "Address of the API (trial: https://api-demo.openlogi.com/api)",
                    "title_ja": "APIのアドレス（デモ環境: https://api-demo.openlogi.com/api）",
                },
            },
            "additionalProperties": False,
        },
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
