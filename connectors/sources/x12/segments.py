"""Bytes of X12 -> segments. Every interchange names its own delimiters, in its ISA.

A tokenizer of our own: the free libraries refuse what partners really send (wrong counts, line breaks, no envelope).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.parts.parcels.edi_text import BREAKS, SPACE, skip, text_of
from engine.contracts import Unreadable

ISA_ELEMENTS = 16
_FRAGMENT = re.compile(r"(?:GS|ST|BSN|B10)([^A-Za-z0-9\s])")
_NEAR = 16  # characters between the last separator of an ISA and the segment after it


@dataclass(frozen=True)
class Segment:
    """`segment[1]` is its first element, without the space around it; "" where there is none."""

    id: str
    elements: tuple[str, ...]

    def __getitem__(self, place: int) -> str:
        return self.elements[place - 1] if 0 < place <= len(self.elements) else ""

    def pairs(self, first: int) -> Iterator[tuple[str, str]]:
        """(qualifier, value) from the element on: LIN and its like."""
        for place in range(first, len(self.elements), 2):
            if self[place + 1]:
                yield self[place].upper(), self[place + 1]


def segments(body: bytes) -> Iterator[Segment]:
    """All segments of all interchanges, in their order. Raises Unreadable for what is no X12."""
    text = text_of(body, "X12")
    place = skip(text, 0)
    if text[place : place + 3].upper() != "ISA":
        start = _FRAGMENT.match(text[place:])
        if start is None:
            raise Unreadable("no X12: expected an interchange that begins with ISA")
        yield from _split(text[place:], start[1], "~" if "~" in text else "\n")
        return
    while place < len(text):
        separator = text[place + 3 : place + 4]
        head = place
        for _ in range(ISA_ELEMENTS):
            head = text.find(separator, head) + 1
            if not separator or not head:
                raise Unreadable("the ISA is cut short: it has 16 elements")
        terminator = _terminator(text, head, separator)
        end = text.find(terminator, head)
        end = len(text) if end < 0 else end
        yield _segment(text[place:end], separator)
        body_start = end + 1
        place = _end(text, body_start, separator, terminator)
        yield from _split(text[body_start:place], separator, terminator)
        place = skip(text, place)


def _terminator(text: str, head: int, separator: str) -> str:
    """What ends a segment: it follows the component separator, which some leave out."""
    near = text[head : head + _NEAR]
    following = near.find(f"GS{separator}")
    between = near[:following] if following >= 0 else near[:2]
    core = between.strip(SPACE)
    if len(core) >= 2:
        return core[-1]
    if not core or ("\n" in between and text.count(f"{core}\n", head, head + 2000) <= 1):
        return "\n"
    return core


def _end(text: str, place: int, separator: str, terminator: str) -> int:
    """Where the interchange ends: behind its IEA, or before the next ISA where that is missing."""
    gap = "" if terminator in SPACE else r"[ \t\n]*"  # where space ends segments, it is looked at once
    mark = re.compile(rf"{re.escape(terminator)}{gap}(IEA|ISA){re.escape(separator)}")
    found = mark.search(text, max(0, place - 1))
    if found is None:
        return len(text)
    if found[1] == "ISA":
        return found.start(1)
    end = text.find(terminator, found.start(1))
    return len(text) if end < 0 else end + 1


def _split(text: str, separator: str, terminator: str) -> Iterator[Segment]:
    for part in text.split(terminator):
        segment = _segment(part, separator)
        if segment.id:
            yield segment


def _segment(part: str, separator: str) -> Segment:
    name, *elements = (one.strip(SPACE) for one in part.translate(BREAKS).split(separator))
    return Segment(name.rpartition("/")[2].upper(), tuple(elements))
