"""A file of X12 -> observations."""

from __future__ import annotations

from connectors.parts.parcels import edi
from connectors.sources.x12 import status
from connectors.sources.x12.envelope import transactions
from connectors.sources.x12.notice import notice
from engine.contracts import Delivery, Reading

SYNTAX = edi.Syntax(
    called="transaction set",
    zone="America/New_York",
    orders="PRF,PO,CO,ON",
    messages=transactions,
    kinds={"856": edi.noticed(notice), "214": status.observed},
)


def read(delivery: Delivery) -> Reading:
    """What the transactions say: 856 and 214; others are passed over. One that cannot be read is reported by its place
    in the file, and the others go in. Raises Unreadable for what is no X12 and when nothing in it can be read."""
    return edi.read(SYNTAX, delivery)
