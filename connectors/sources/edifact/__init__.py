"""UN/EDIFACT: despatch advices (DESADV) and status reports (IFTSTA), posted or as files; others are passed over."""

from __future__ import annotations

from connectors.parts.parcels import edi
from connectors.parts.parcels.edi_source import source
from connectors.sources.edifact import status
from connectors.sources.edifact.advice import notice
from connectors.sources.edifact.envelope import messages

SYNTAX = edi.Syntax(
    called="message type",
    zone="UTC",
    orders="ON,CO",
    messages=messages,
    kinds={"DESADV": edi.noticed(notice), "IFTSTA": status.observed},
)
SOURCE = source(
    "edifact",
    ("UN/EDIFACT (DESADV, IFTSTA)", "UN/EDIFACT（DESADV・IFTSTA）"),
    SYNTAX,
    orders=("qualifiers of RFF", "RFFの修飾子"),
    zone=("times without an offset, at places whose country has no single clock", "時差のない日時"),
    tests=("UNB, 0035 is 1", "UNBのテスト標識が1"),
)
