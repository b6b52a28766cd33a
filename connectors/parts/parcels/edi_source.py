"""A source of EDI files, whatever their syntax: posted, or dropped into a folder."""

from __future__ import annotations

from functools import partial

from connectors.parts.parcels.edi import S, Syntax, read
from connectors.parts.parcels.partner_codes import PATTERN
from connectors.parts.senders.trust import identify, verify
from connectors.parts.settings import choice, secret, settings, text
from engine.contracts import Manifest, Source

Said = tuple[str, str]  # in English, in Japanese


def source(name: str, title: Said, syntax: Syntax[S], *, orders: Said, zone: Said, tests: Said) -> Source:
    """`orders` says which qualifiers may hold the order's number, `zone` which times have none of their own, and
    `tests` how a test is marked."""
    return Source(
        manifest=Manifest(
            name=name,
            title=title[0],
            title_ja=title[1],
            modes=("webhook", "file"),
            capabilities=frozenset({"tracking", "scans", "partial_shipments", "routing", "eta"}),
            settings=settings(
                {
                    "secret": secret("Secret for posted files", "送信用シークレット"),
                    "order": text(
                        f"Where the order's number stands: {orders[0]}, the best first",
                        f"注文番号の場所（{orders[1]}。優先順にカンマ区切り）",
                        default=syntax.orders,
                    ),
                    "timezone": text(f"Time zone of {zone[0]}", f"{zone[1]}のタイムゾーン", default=syntax.zone),
                    "tests": choice(
                        f"Interchanges marked as a test ({tests[0]})",
                        f"テスト指定（{tests[1]}）の電文の扱い",
                        "read",
                        "ignore",
                        default="read",
                    ),
                },
                required=("secret",),
                patterns=PATTERN,
            ),
            time_zone=syntax.zone,
            notifies_customer="no",
        ),
        verify=verify,
        read=partial(read, syntax),
        identify=identify,
    )
