"""STORES: orders of net shop and till, polled."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.sources.stores.asked import URL, check
from connectors.sources.stores.poll import poll
from connectors.sources.stores.read import read
from connectors.sources.stores.words import ZONE
from engine.contracts import Api, Manifest, Source

SOURCE = Source(
    manifest=Manifest(
        name="stores",
        title="STORES",
        title_ja="STORES",
        modes=("poll",),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation", "eta"}),
        settings={
            "type": "object",
            "properties": {
                "token": {
                    "type": "string",
                    "minLength": 1,
                    "secret": True,
                    "title": "Credential of the shop",
                    "title_ja": "ショップのクレデンシャル",
                },
                "own_mails": {
                    "type": "string",
                    "enum": ["yes", "no"],
                    "default": "yes",
                    "title": "STORES' own mails count, so that ours are not sent beside them",
                    "title_ja": "STORESが送るメールと同じお知らせを送らない",
                },
                "url": {
                    "type": "string",
                    "pattern": "^https?://",
                    "default": URL,
                    "title": "Address of the API",
                    "title_ja": "APIのアドレス",
                },
            },
            "additionalProperties": False,
        },
        time_zone=ZONE,
        notifies_customer="yes",
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("token",),
        every=timedelta(minutes=5),
        pace=timedelta(milliseconds=500),
    ),
)
