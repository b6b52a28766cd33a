"""GS1 EPCIS: documents of supply chain events, posted or as files. JSON of 2.0, XML of 1.2 and 2.0."""

from __future__ import annotations

from connectors.parts.senders.trust import identify, verify
from connectors.sources.epcis.read import ZONE, read
from engine.contracts import Manifest, Source

SETTINGS = {
    "type": "object",
    "properties": {
        "secret": {
            "type": "string",
            "minLength": 1,
            "secret": True,
            "title": "Secret for posted documents",
            "title_ja": "送信用シークレット",
        },
        "order_type": {
            "type": "string",
            "default": "po",
            "title": "Types of business transaction that name the order (comma between)",
            "title_ja": "注文番号とみなす取引タイプ（カンマ区切り）",
        },
        "warehouses": {
            "type": "string",
            "title": "Own places: what is received there is not delivered (GLN or URI, comma between)",
            "title_ja": "自社拠点（GLNまたはURI、カンマ区切り）。ここでの入荷は配達とみなしません",
        },
        "timezone": {
            "type": "string",
            "default": ZONE,
            "title": "Time zone of times without an offset",
            "title_ja": "オフセットのない日時のタイムゾーン",
        },
        "route": {
            "enum": ["no", "yes"],
            "default": "no",
            "title": "Route events to merchants by the owning party of their source",
            "title_ja": "送り元の所有者（owning_party）で店舗へ振り分ける",
        },
    },
    "patternProperties": {
        r"^route\..+$": {"type": "string", "title": "Merchant of an owner", "title_ja": "荷主に対応する店舗"},
    },
    "required": ["secret"],
    "additionalProperties": False,
}

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
