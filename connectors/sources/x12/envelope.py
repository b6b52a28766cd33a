"""Segments -> transactions, each with what its envelope says. Counts and control numbers are not judged."""

from __future__ import annotations

from connectors.parts.parcels.edi import Message
from connectors.sources.x12.clocks import said
from connectors.sources.x12.segments import Segment, segments

BEGINNINGS = {"BSN": "856", "B10": "214"}  # a transaction without an ST shows by its first segment
_OUTSIDE = frozenset({"ISA", "GS", "GE", "IEA", "TA1", "SE"})


Transaction = Message[Segment]


def transactions(body: bytes, zone: str) -> list[Transaction]:
    """Every transaction, in order. `zone` is that of the envelopes' times. Raises Unreadable for what is no X12."""
    found: list[Transaction] = []
    isa = gs = Segment("", ())
    current: Transaction | None = None
    for one in segments(body):
        if one.id == "ISA":
            isa, gs = one, Segment("", ())
        elif one.id == "GS":
            gs = one
        if one.id in _OUTSIDE:
            current = None
        elif one.id == "ST" or (current is None and one.id in BEGINNINGS):
            current = Transaction(
                kind=one[1] if one.id == "ST" else BEGINNINGS[one.id],
                partner=tuple(dict.fromkeys(filter(None, (gs[2], isa[6])))),
                receiver=gs[3] or isa[8],
                made=said(gs[4], gs[5], "", zone) or said(isa[9], isa[10], "", zone),
                test=isa[15].upper() == "T",
                segments=[] if one.id == "ST" else [one],
            )
            found.append(current)
        elif current is not None:
            current.segments.append(one)
    return found
