"""Segments -> messages, each with what its envelope says. Counts and references are not judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.parts.values.values import When
from connectors.sources.edifact.clocks import said
from connectors.sources.edifact.segments import Segment

TEST = 11  # the element of a UNB that marks a test
_OUTSIDE = frozenset({"UNB", "UNG", "UNE", "UNZ", "UNT"})


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What the connection says: `orders` are qualifiers of RFF, the best first; `agreed` are codes of partners."""

    zone: str
    orders: tuple[str, ...]
    agreed: Mapping[str, Mapping[str, str]]
    received_at: datetime


@dataclass(kw_only=True)
class Message:
    """`partner` are the names of its sender; `made` is when the interchange was. `test` is what it says of itself."""

    kind: str
    partner: tuple[str, ...] = ()
    receiver: str = ""
    made: When | None = None
    test: bool = False
    segments: list[Segment] = field(default_factory=list)


def messages(told: Iterable[Segment], zone: str) -> list[Message]:
    """Every message, in order. `zone` is that of the envelopes' times."""
    found: list[Message] = []
    unb = ung = Segment("", ())
    current: Message | None = None
    for one in told:
        if one.id == "UNB":
            unb, ung = one, Segment("", ())
        elif one.id == "UNG":
            ung = one
        if one.id in _OUTSIDE:
            current = None
        elif one.id == "UNH":
            current = Message(
                kind=one.at(2).upper() or ung.at(1).upper(),
                partner=_partner(unb, ung),
                receiver=unb.at(3) or ung.at(3),
                made=_made(unb, 4, zone) or _made(ung, 4, zone),
                test=unb.at(TEST) == "1",
            )
            found.append(current)
        elif current is not None:
            current.segments.append(one)
    return found


def _made(segment: Segment, element: int, zone: str) -> When | None:
    return said(segment.at(element) + segment.at(element, 1), "", zone)


def _partner(unb: Segment, ung: Segment) -> tuple[str, ...]:
    """The sender's identification, and the word that some carriers write where its qualifier stands ("UPS")."""
    named = (unb.at(2), ung.at(2), *(one for one in (unb.at(2, 1), ung.at(2, 1)) if re.fullmatch(r"[A-Z]{3,}", one)))
    return tuple(dict.fromkeys(one for one in named if one and one != "ZZZ"))
