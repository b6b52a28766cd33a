"""Bytes of EDIFACT -> segments. Service characters are those of the UNA, else the usual ones.

A tokenizer of our own: the free library (pydifact) has no licence in its package and refuses what partners really send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.parts.parcels.edi_text import BREAKS, SPACE, skip, text_of
from engine.contracts import Unreadable

# By the syntax identifier of the UNB; A and B are ASCII, where many write Latin letters all the same.
CHARSETS = {
    "UNOA": "cp1252", "UNOB": "cp1252", "UNOC": "cp1252", "UNOD": "iso8859-2", "UNOE": "iso8859-5", "UNOF": "iso8859-7",
    "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8", "UNOK": "iso8859-9",
    "UNOX": "iso2022_jp",
}  # fmt: skip
_NAMED = re.compile(rb"UNB[^A-Za-z0-9](UNO[A-Z])")
_MARKS = 6  # characters of a UNA behind its name


@dataclass(frozen=True)
class Segment:
    """`at(2)` is the first component of its second element, `at(2, 1)` the next one; "" where there is none."""

    id: str
    elements: tuple[tuple[str, ...], ...]

    def at(self, element: int, component: int = 0) -> str:
        parts = self.elements[element - 1] if 0 < element <= len(self.elements) else ()
        return parts[component] if component < len(parts) else ""


@dataclass(frozen=True)
class Marks:
    """The service characters; `release` is a space where there is none."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    terminator: str = "'"


def segments(body: bytes) -> Iterator[Segment]:
    """All segments of all interchanges, in their order. Raises Unreadable for what is no EDIFACT."""
    named = _NAMED.search(body[:200])
    charset = CHARSETS.get(named[1].decode(), "cp1252") if named else "cp1252"
    text = text_of(body, "EDIFACT", charset, escaped=charset == "iso2022_jp")
    place = skip(text, 0)
    if text[place : place + 3] not in ("UNA", "UNB", "UNG", "UNH"):
        raise Unreadable("no EDIFACT: expected an interchange that begins with UNA or UNB")
    marks = Marks()
    while place < len(text):
        if text.startswith("UNA", place):
            marks, place = _marks(text, place + 3)
        part, place = _next(text, skip(text, place), marks)
        segment = _segment(part, marks)
        if segment.id:
            yield segment
        place = skip(text, place)


def _marks(text: str, place: int) -> tuple[Marks, int]:
    """The service characters, and where the next segment begins. Some leave out the reserved one, which is a space."""
    told = text[place : place + _MARKS]
    if len(told) < _MARKS or told[:_MARKS].isalnum():
        raise Unreadable("the UNA is cut short: it names six characters")
    component, element, _, release, reserved, terminator = tuple(told)
    if reserved not in " *" and text[skip(text, place + _MARKS - 1) :][:2] == "UN":
        return Marks(component, element, release, reserved), place + _MARKS - 1
    return Marks(component, element, release, terminator), place + _MARKS


def _next(text: str, place: int, marks: Marks) -> tuple[str, int]:
    """One segment without its terminator, and the place behind it."""
    end = text.find(marks.terminator, place)
    while end > 0 and _released(text, end, place, marks.release):
        end = text.find(marks.terminator, end + 1)
    return (text[place:], len(text)) if end < 0 else (text[place:end], end + 1)


def _released(text: str, place: int, first: int, release: str) -> bool:
    """Is the character there meant as itself? An odd number of release characters stands before it."""
    before = place
    while release != " " and before > first and text[before - 1] == release:
        before -= 1
    return (place - before) % 2 == 1


def _segment(part: str, marks: Marks) -> Segment:
    part = part.translate(BREAKS).strip(SPACE)
    if marks.release == " " or marks.release not in part:
        elements = [element.split(marks.component) for element in part.split(marks.element)]
    else:
        elements = _unescaped(part, marks)
    named, *rest = elements
    return Segment(named[0].strip(SPACE).upper(), tuple(tuple(one.strip(SPACE) for one in element) for element in rest))


def _unescaped(part: str, marks: Marks) -> list[list[str]]:
    elements: list[list[list[str]]] = [[[]]]  # of components, of letters
    letters = iter(part)
    for letter in letters:
        if letter == marks.release:
            elements[-1][-1].append(next(letters, ""))
        elif letter == marks.element:
            elements.append([[]])
        elif letter == marks.component:
            elements[-1].append([])
        else:
            elements[-1][-1].append(letter)
    return [["".join(component) for component in element] for element in elements]
