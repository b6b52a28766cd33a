"""STORES: orders of net shop and till, polled."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.parts.settings import address, own_mails, secret, settings
from connectors.sources.stores.asked import URL, check
from connectors.sources.stores.poll import poll
from connectors.sources.stores.read import read
from connectors.sources.stores.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "token": secret("Credential of the shop", "ショップのクレデンシャル"),
        "own_mails": own_mails("STORES'", "STORES"),
        "url": address(default=URL),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="stores",
        title="STORES",
        title_ja="STORES",
        modes=("poll",),
        capabilities=frozenset({"items", "contact", "tracking", "partial_shipments", "returns", "cancellation", "eta"}),
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
        needs=("token",),
        every=timedelta(minutes=5),
        pace=timedelta(milliseconds=500),
    ),
)
