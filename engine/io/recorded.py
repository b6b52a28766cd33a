"""Recorded deliveries in a file: JSON lines of {"headers": {...}, "body": <any JSON or text>, "topic": ...}."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

SUFFIXES = frozenset({".jsonl", ".ndjson"})
_Headers = dict[str, str | list[str]]


class _Line(msgspec.Struct):
    body: msgspec.Raw  # kept as it is written: not a digit of a number may change
    headers: _Headers = {}
    topic: str | None = None


_line = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One delivery of a file. `line` counts from 1, None when the file is the body; `size` is in bytes."""

    size: int
    body: bytes
    line: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    topic: str | None = None


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """A line that is no recorded delivery."""

    size: int
    line: int
    reason: str


def recorded(path: Path) -> Iterator[Recorded | BadLine]:
    """The deliveries of a file, read as they are asked for. Raises OSError.

    A file that is not JSON lines is one body. Header names come out in lower case.
    """
    if path.suffix.lower() not in SUFFIXES:
        body = path.read_bytes()
        yield Recorded(size=len(body), body=body)
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip(b" \t\r\n\xef\xbb\xbf"):
                yield _read(line, number)


def _read(line: bytes, number: int) -> Recorded | BadLine:
    try:
        told = _line.decode(line.removeprefix(b"\xef\xbb\xbf"))
        raw = bytes(told.body)
        body = msgspec.json.decode(raw, type=str).encode() if raw.startswith(b'"') else raw
    except (msgspec.DecodeError, UnicodeError, RecursionError) as wrong:
        return BadLine(size=len(line), line=number, reason=_words(wrong))
    headers = {
        name.lower(): value if isinstance(value, str) else ", ".join(value) for name, value in told.headers.items()
    }
    if any("\0" in text for text in (told.topic or "", *headers.values())):  # no server lets it in, no database
        return BadLine(size=len(line), line=number, reason="a header or the topic holds a NUL character")
    return Recorded(size=len(line), body=body, line=number, headers=headers, topic=told.topic)


def _words(wrong: Exception) -> str:
    """What is wrong, without the line's own words."""
    if isinstance(wrong, msgspec.ValidationError):
        return str(wrong).replace("Object missing required field", "it has no field")
    if isinstance(wrong, RecursionError):
        return "it is nested too deep"
    return "it is not JSON" if isinstance(wrong, msgspec.DecodeError) else "it is not UTF-8"
