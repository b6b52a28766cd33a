"""GS1 EPCIS: documents of supply chain events, posted or as files. JSON of 2.0, XML of 1.2 and 2.0."""

from __future__ import annotations

from connectors.parts.senders.trust import identify, verify
from connectors.parts.settings import secret, settings, text
from connectors.sources.epcis.read import ZONE, read
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Secret for posted documents", "送信用シークレット"),
        "order_type": text(
            "Types of business transaction that name the order (comma between)",
            "注文番号とみなす取引タイプ（カンマ区切り）",
            default="po",
        ),
        "warehouses": text(
            "Own places: what is received there is not delivered (GLN or URI, comma between)",
            "自社拠点（GLNまたはURI、カンマ区切り）。ここでの入荷は配達とみなしません",
        ),
        "timezone": text("Time zone of times without an offset", "オフセットのない日時のタイムゾーン", default=ZONE),
    },
    required=("secret",),
)

SOURCE = Source(
    manifest=Manifest(
        name="epcis",
        title="GS1 EPCIS",
        title_ja="GS1 EPCIS",
        modes=("webhook", "file"),
        capabilities=frozenset({"tracking", "scans", "partial_shipments", "returns", "routing"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="no",
    ),
    verify=verify,
    read=read,
    identify=identify,
)
