"""A file of EDIFACT -> observations."""

from __future__ import annotations

from connectors.parts.parcels import edi
from connectors.sources.edifact import status
from connectors.sources.edifact.advice import notice
from connectors.sources.edifact.envelope import messages
from engine.contracts import Delivery, Reading

SYNTAX = edi.Syntax(
    called="message type",
    zone="UTC",
    orders="ON,CO",
    messages=messages,
    kinds={"DESADV": edi.noticed(notice), "IFTSTA": status.observed},
)


def read(delivery: Delivery) -> Reading:
    """What the messages say: DESADV and IFTSTA; others are passed over. One that cannot be read is reported by its
    place in the file, and the others go in. Raises Unreadable for what is no EDIFACT, and when none can be read."""
    return edi.read(SYNTAX, delivery)
