"""XML as strangers send it -> the lists, objects and texts that JSON would hold.

An element that holds nothing but text is that text. Any other is an object of its attributes and children by their
local names (prefixes and namespaces go), its own text under "text"; children of one name are a list, and so stand
there once or several times. An attribute that has the name of a child stands under "@name". Numbers stay text.

A document type is refused at its first byte: without one there are no entities, so nothing unfolds into gigabytes
and nothing is fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from engine.contracts import Unreadable

MAX_DEPTH = 64
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["'][^>]{0,200}?\?>""")
# Expat reads no encoding of several bytes but UTF-8 and UTF-16; Japanese systems write these.
_JAPANESE = {
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms932"), "cp932"),
    **dict.fromkeys(("euc-jp", "eucjp", "x-euc-jp"), "euc_jp"),
    "iso-2022-jp": "iso2022_jp",
}


@dataclass
class _Element:
    name: str
    attributes: dict[str, str]
    children: dict[str, Any] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def value(self) -> Any:
        said = "".join(self.texts).strip()
        if not self.attributes and not self.children:
            return said
        named = {f"@{name}" if name in self.children else name: value for name, value in self.attributes.items()}
        own = {"text": said} if said and "text" not in self.children else {}
        return {**named, **own, **self.children}


def load(body: bytes) -> dict[str, Any]:
    """{name of the root: its value}. Raises Unreadable naming line and column, never a value."""
    open_elements: list[_Element] = []
    whole: dict[str, Any] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) >= MAX_DEPTH:
            raise Unreadable(f"the XML is nested deeper than {MAX_DEPTH} levels")
        told = {_local(key): value for key, value in attributes.items() if not key.startswith("xmlns")}
        open_elements.append(_Element(_local(name), told))

    def end(_name: str) -> None:
        done = open_elements.pop()
        above = open_elements[-1].children if open_elements else whole
        value = done.value()
        if done.name not in above:
            above[done.name] = value
        elif isinstance(above[done.name], list):
            above[done.name].append(value)
        else:
            above[done.name] = [above[done.name], value]

    def text(data: str) -> None:
        open_elements[-1].texts.append(data)

    def refuse(*_told: Any) -> None:
        raise Unreadable("the XML has a document type (<!DOCTYPE ...>), which is not read: send it without")

    data, encoding = _decoded(body)
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code)
        raise Unreadable(f"the body is not XML: {words} (line {error.lineno} column {error.offset + 1})") from None
    except (LookupError, ValueError):
        raise Unreadable("the XML names an encoding that is not known; send it as UTF-8") from None
    return whole


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _decoded(body: bytes) -> tuple[bytes, str | None]:
    """(bytes that expat can read, their encoding where the declaration must not count)."""
    declared = _DECLARED.match(body)
    codec = _JAPANESE.get(declared[1].decode("ascii").lower()) if declared else None
    if codec is None:
        return body, None
    try:
        return body.decode(codec).encode(), "utf-8"
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"the XML is not in the encoding that it names (line {line})") from None
