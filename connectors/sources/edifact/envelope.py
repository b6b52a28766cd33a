"""Segments -> messages, each with what its envelope says. Counts and references are not judged."""

from __future__ import annotations

import re

from connectors.parts.parcels import edi
from connectors.parts.values.values import When
from connectors.sources.edifact.clocks import said
from connectors.sources.edifact.segments import Segment, segments

TEST = 11  # the element of a UNB that marks a test
_OUTSIDE = frozenset({"UNB", "UNG", "UNE", "UNZ", "UNT"})


Message = edi.Message[Segment]


def messages(body: bytes, zone: str) -> list[Message]:
    """Every message, in order. `zone` is that of the envelopes' times. Raises Unreadable for what is no EDIFACT."""
    found: list[Message] = []
    unb = ung = Segment("", ())
    current: Message | None = None
    for one in segments(body):
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
