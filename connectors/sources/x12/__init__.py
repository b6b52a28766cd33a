"""ANSI X12: ship notices (856) and carriers' status messages (214), posted or as files."""

from __future__ import annotations

from connectors.parts.parcels.partner_codes import PATTERN
from connectors.parts.senders.trust import identify, verify
from connectors.sources.x12.read import ORDERS, ZONE, read
from engine.contracts import Manifest, Source

SETTINGS = {
    "type": "object",
    "properties": {
        "secret": {
            "type": "string",
            "minLength": 1,
            "secret": True,
            "title": "Secret for posted files",
            "title_ja": "送信用シークレット",
        },
        "order": {
            "type": "string",
            "default": ORDERS,
            "title": "Where the order's number stands: PRF or qualifiers of REF and L11, the best first",
            "title_ja": "注文番号の場所（PRF、またはREF・L11の修飾子。優先順にカンマ区切り）",
        },
        "timezone": {
            "type": "string",
            "default": ZONE,
            "title": "Time zone of times without a code, and of local times at places without one clock",
            "title_ja": "コードのない日時のタイムゾーン",
        },
        "tests": {
            "enum": ["read", "ignore"],
            "default": "read",
            "title": "Interchanges marked as a test (ISA15 is T)",
            "title_ja": "テスト指定（ISA15がT）の電文の扱い",
        },
        "route": {
            "enum": ["no", "yes"],
            "default": "no",
            "title": "Route interchanges to merchants by their receiver (GS03)",
            "title_ja": "受信者（GS03）で店舗へ振り分ける",
        },
    },
    "patternProperties": {
        **PATTERN,
        r"^route\..+$": {"type": "string", "title": "Merchant of a receiver", "title_ja": "受信者に対応する店舗"},
    },
    "required": ["secret"],
    "additionalProperties": False,
}

SOURCE = Source(
    manifest=Manifest(
        name="x12",
        title="ANSI X12 (856, 214)",
        title_ja="ANSI X12（856・214）",
        modes=("webhook", "file"),
        capabilities=frozenset({"tracking", "scans", "partial_shipments", "routing", "eta"}),
        settings=SETTINGS,
        time_zone=ZONE,
        notifies_customer="no",
    ),
    verify=verify,
    read=read,
    identify=identify,
)
