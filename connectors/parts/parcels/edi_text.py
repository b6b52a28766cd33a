"""The text of an EDI file, and the loops of its segments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol, TypeVar

from engine.contracts import Unreadable

SPACE = " \t\n"  # not what Python strips: partners end segments and elements by control characters
BREAKS = str.maketrans("", "", "\r\n")


class Named(Protocol):
    """A segment: `id` is its name."""

    @property
    def id(self) -> str: ...


S = TypeVar("S", bound=Named)


def text_of(body: bytes, called: str, charset: str = "cp1252", *, escaped: bool = False) -> str:
    """The body with line ends of one kind. What is valid UTF-8 is, whatever the file says of itself; else it is of the
    charset. `escaped` is one whose letters are ASCII behind an escape. Raises Unreadable for NUL."""
    if b"\x00" in body:
        raise Unreadable(f"the file holds NUL bytes (is it UTF-16?): {called} is plain text")
    try:
        text = body.decode("utf-8-sig")
        if escaped and "\x1b" in text:
            text = body.decode(charset, errors="replace")
    except UnicodeDecodeError:
        text = body.decode(charset, errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def skip(text: str, place: int) -> int:
    """The place of the next character that is no space."""
    while place < len(text) and text[place] in SPACE:
        place += 1
    return place


def loops(told: Iterable[S], begins: str, inside: Collection[str], role: Callable[[S], str]) -> dict[str, list[S]]:
    """The first loop of every role: a segment that begins one, and those behind it that belong there."""
    found: dict[str, list[S]] = {}
    current: list[S] | None = None
    for one in told:
        if one.id == begins:
            current = [one]
            found.setdefault(role(one), current)
        elif one.id not in inside:
            current = None
        elif current is not None:
            current.append(one)
    return found
