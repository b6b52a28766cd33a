"""ANSI X12: ship notices (856) and carriers' status messages (214), posted or as files."""

from __future__ import annotations

from connectors.parts.parcels.partner_codes import PATTERN
from connectors.parts.senders.trust import identify, verify
from connectors.parts.settings import choice, secret, settings, text
from connectors.sources.x12.read import SYNTAX, read
from engine.contracts import Manifest, Source

SETTINGS = settings(
    {
        "secret": secret("Secret for posted files", "送信用シークレット"),
        "order": text(
            "Where the order's number stands: PRF or qualifiers of REF and L11, the best first",
            "注文番号の場所（PRF、またはREF・L11の修飾子。優先順にカンマ区切り）",
            default=SYNTAX.orders,
        ),
        "timezone": text(
            "Time zone of times without a code, and of local times at places without one clock",
            "コードのない日時のタイムゾーン",
            default=SYNTAX.zone,
        ),
        "tests": choice(
            "Interchanges marked as a test (ISA15 is T)",
            "テスト指定（ISA15がT）の電文の扱い",
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
        name="x12",
        title="ANSI X12 (856, 214)",
        title_ja="ANSI X12（856・214）",
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
