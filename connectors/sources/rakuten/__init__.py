"""Rakuten RMS (楽天市場): orders of a shop on Rakuten Ichiba. Polled only; journeys are off by default."""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.senders.polled import identify, verify
from connectors.parts.settings import address, secret, settings
from connectors.sources.rakuten.asked import URL
from connectors.sources.rakuten.check import check
from connectors.sources.rakuten.poll import poll
from connectors.sources.rakuten.read import read
from connectors.sources.rakuten.words import ZONE
from engine.contracts import Api, Manifest, Source

SETTINGS = settings(
    {
        "service_secret": secret("serviceSecret of RMS WEB SERVICE", "サービスシークレット（serviceSecret）"),
        "license_key": secret(
            "licenseKey of RMS WEB SERVICE; to be renewed every ninety days",
            "ライセンスキー（licenseKey）。90日ごとに更新が必要です",
        ),
        "url": address(default=URL),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="rakuten",
        title="Rakuten RMS",
        title_ja="楽天市場（RMS）",
        modes=("poll",),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "eta",
        }),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="yes",  # Rakuten confirms every order by mail, and forbids much else
        notify="no",
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=Api(
        poll=poll,
        check=check,
        needs=("service_secret", "license_key"),
        every=timedelta(minutes=10),
        pace=timedelta(seconds=1),
        lifetimes={"license_key": timedelta(days=90)},
    ),
)  # fmt: skip
