"""ANSI X12: ship notices (856) and carriers' status messages (214), posted or as files; others are passed over."""

from __future__ import annotations

from connectors.parts.parcels import edi
from connectors.parts.parcels.edi_source import source
from connectors.sources.x12 import status
from connectors.sources.x12.envelope import transactions
from connectors.sources.x12.notice import notice

SYNTAX = edi.Syntax(
    called="transaction set",
    zone="America/New_York",
    orders="PRF,PO,CO,ON",
    messages=transactions,
    kinds={"856": edi.noticed(notice), "214": status.observed},
)
SOURCE = source(
    "x12",
    ("ANSI X12 (856, 214)", "ANSI X12（856・214）"),
    SYNTAX,
    orders=("PRF or qualifiers of REF and L11", "PRF、またはREF・L11の修飾子"),
    zone=("times without a code, and of local times at places without one clock", "コードのない日時"),
    tests=("ISA15 is T", "ISA15がT"),
)
