"""UN/EDIFACT: despatch advices (DESADV) and status reports (IFTSTA), posted or as files."""

from __future__ import annotations

from connectors.parts.parcels.partner_codes import PATTERN
from connectors.parts.senders.trust import identify, verify
from connectors.parts.settings import choice, secret, settings, text
from connectors.sources.edifact.read import SYNTAX, read
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Secret for posted files", "送信用シークレット"),
        "order": text(
            "Where the order's number stands: qualifiers of RFF, the best first",
            "注文番号の場所（RFFの修飾子。優先順にカンマ区切り）",
            default=SYNTAX.orders,
        ),
        "timezone": text(
            "Time zone of times without an offset, at places whose country has no single clock",
            "時差のない日時のタイムゾーン",
            default=SYNTAX.zone,
        ),
        "tests": choice(
            "Interchanges marked as a test (UNB, 0035 is 1)",
            "テスト指定（UNBのテスト標識が1）の電文の扱い",
            "read",
            "ignore",
            default="read",
        ),
    },
    required=("secret",),
    patterns=PATTERN,
)

SOURCE = Source(
    manifest=Manifest(
        name="edifact",
        title="UN/EDIFACT (DESADV, IFTSTA)",
        title_ja="UN/EDIFACT（DESADV・IFTSTA）",
        modes=("webhook", "file"),
        capabilities=frozenset({"tracking", "scans", "partial_shipments", "routing", "eta"}),
        settings=SETTINGS,
        time_zone=SYNTAX.zone,
        notifies_customer="no",
    ),
    verify=verify,
    read=read,
    identify=identify,
)
