"""UN/EDIFACT: despatch advices (DESADV) and status reports (IFTSTA), posted or as files."""

from __future__ import annotations

from connectors.parts.parcels.partner_codes import PATTERN
from connectors.parts.senders.trust import identify, verify
from connectors.sources.edifact.read import ORDERS, ZONE, read
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
            "title": "Where the order's number stands: qualifiers of RFF, the best first",
            "title_ja": "注文番号の場所（RFFの修飾子。優先順にカンマ区切り）",
        },
        "timezone": {
            "type": "string",
            "default": ZONE,
            "title": "Time zone of times without an offset, at places whose country has no single clock",
            "title_ja": "時差のない日時のタイムゾーン",
        },
        "tests": {
            "enum": ["read", "ignore"],
            "default": "read",
            "title": "Interchanges marked as a test (UNB, 0035 is 1)",
            "title_ja": "テスト指定（UNBのテスト標識が1）の電文の扱い",
        },
        "route": {
            "enum": ["no", "yes"],
            "default": "no",
            "title": "Route interchanges to merchants by their receiver (UNB)",
            "title_ja": "受信者（UNB）で店舗へ振り分ける",
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
        name="edifact",
        title="UN/EDIFACT (DESADV, IFTSTA)",
        title_ja="UN/EDIFACT（DESADV・IFTSTA）",
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
