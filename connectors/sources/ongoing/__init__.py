"""Ongoing WMS: order and shipment webhooks, orders fetched and polled over its REST API, one goods owner or many."""

from __future__ import annotations

from connectors.parts.settings import address, secret, settings, text
from connectors.sources.ongoing.ask import API
from connectors.sources.ongoing.read import read
from connectors.sources.ongoing.verify import identify, verify
from connectors.sources.ongoing.words import ZONE
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret(
            "Secret of the webhooks: in the header X-Auth-Token, or as ?token= in the address",
            "Webhookの合言葉（ヘッダー X-Auth-Token、またはアドレスの ?token=）",
        ),
        "url": address(
            "Address of your Ongoing instance, as https://api.ongoingsystems.se/your-instance",
            "Ongoingのアドレス（例: https://api.ongoingsystems.se/your-instance）",
        ),
        "user": secret("User of the REST API", "REST APIのユーザー名"),
        "password": secret("Password of the REST API", "REST APIのパスワード"),
        "goods_owners": text(
            "Ids of goods owners whose orders are polled, as 12,13; those of route.<id> always are",
            "定期取得する荷主のID（例: 12,13。route.<ID> の荷主は自動で含みます）",
            pattern=r"^\d{1,12}( *, *\d{1,12})*$",
        ),
        "timezone": text(
            "Time zone of the instance (IANA name): its times carry none",
            "Ongoingのタイムゾーン（時刻にオフセットがないため。例: Europe/Stockholm）",
            default=ZONE,
        ),
    }
)

SOURCE = Source(
    manifest=Manifest(
        name="ongoing",
        title="Ongoing WMS",
        title_ja="Ongoing WMS",
        modes=("webhook", "poll"),
        capabilities=frozenset({
            "items", "contact", "tracking", "scans", "partial_shipments", "returns", "cancellation", "routing",
            "delivery_id",
        }),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="maybe",  # the carrier's own notices can be switched on for each order
    ),
    verify=verify,
    read=read,
    identify=identify,
    api=API,
)  # fmt: skip
