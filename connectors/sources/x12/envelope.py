"""Segments -> transactions, each with what its envelope says. Counts and control numbers are not judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.parts.values.values import When
from connectors.sources.x12.clocks import said
from connectors.sources.x12.segments import Segment

BEGINNINGS = {"BSN": "856", "B10": "214"}  # a transaction without an ST shows by its first segment
_OUTSIDE = frozenset({"ISA", "GS", "GE", "IEA", "TA1", "SE"})


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What the connection says: `orders` are PRF or qualifiers, the best first; `agreed` are codes of partners."""

    zone: str
    orders: tuple[str, ...]
    agreed: Mapping[str, Mapping[str, str]]
    received_at: datetime


@dataclass(kw_only=True)
class Transaction:
    """`partner` are the names of its sender, the application's first; `made` is when its group was. `test` is what the
    interchange says of itself."""

    kind: str
    partner: tuple[str, ...] = ()
    receiver: str = ""
    made: When | None = None
    test: bool = False
    segments: list[Segment] = field(default_factory=list)


def transactions(told: Iterable[Segment], zone: str) -> list[Transaction]:
    """Every transaction, in order. `zone` is that of the envelopes' times."""
    found: list[Transaction] = []
    isa = gs = Segment("", ())
    current: Transaction | None = None
    for one in told:
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
