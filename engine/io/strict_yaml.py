"""YAML as text, lists and mappings, and nothing more of YAML.

Every scalar stays the text that was written, so `10:00`, `no` and `7` are what they look like. Anchors,
aliases, tags, merge keys, directives, second documents and equal keys are refused while reading, before
anything is built: 306 bytes of aliases can unfold into millions of nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

Path = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class YamlRefused(ValueError):
    """The file is not plain YAML. `line` counts from 1 and is None when no line can be named."""

    def __init__(self, what: str, line: int | None) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True)
class Document:
    """`lines` has the line, from 1, of every key and item, by the path that leads to it."""

    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int | None:
        """Return the line of the nearest thing on the way to `path` that is in the file."""
        return next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), None)


@dataclass
class _Open:
    path: Path
    value: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass
class _Builder:
    lines: dict[Path, int] = field(default_factory=dict)
    opened: list[_Open] = field(default_factory=list)
    root: list[Any] = field(default_factory=list)

    def path(self) -> Path:
        if not self.opened:
            return ()
        top = self.opened[-1]
        return (*top.path, len(top.value) if isinstance(top.value, list) else str(top.key))

    def expects_key(self) -> bool:
        return bool(self.opened) and isinstance(self.opened[-1].value, dict) and self.opened[-1].key is None

    def key(self, name: str, line: int) -> None:
        top = self.opened[-1]
        if name == "<<":
            raise YamlRefused("merge keys (<<) are not allowed; write the keys out", line)
        if name in top.value:
            first = self.lines[(*top.path, name)]
            raise YamlRefused(f"the key {name!r} stands twice, first in line {first}; keep one", line)
        top.key = name
        self.lines[(*top.path, name)] = line

    def put(self, value: Any, line: int) -> None:
        self.lines.setdefault(self.path(), line)
        if not self.opened:
            self.root.append(value)
            return
        top = self.opened[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        else:
            top.value[str(top.key)] = value
            top.key = None

    def open(self, value: dict[str, Any] | list[Any], line: int) -> None:
        if self.expects_key():
            raise YamlRefused("a key must be one word, not a list or a mapping", line)
        if len(self.opened) >= MAX_DEPTH:
            raise YamlRefused(f"nested deeper than {MAX_DEPTH} levels", line)
        path = self.path()
        self.put(value, line)
        self.opened.append(_Open(path, value))

    def scalar(self, text: str, line: int) -> None:
        if self.expects_key():
            self.key(text, line)
        else:
            self.put(text, line)


def read_yaml(data: bytes) -> Document:
    """Return what the file says; an empty file gives None. Raises YamlRefused."""
    if len(data) > MAX_BYTES:
        raise YamlRefused(f"{len(data)} bytes; at most {MAX_BYTES} are allowed", None)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlRefused("not UTF-8; save the file as UTF-8", line) from None
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            _take(event, builder)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlRefused(f"not YAML: {error.problem or error}", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlRefused(f"not YAML: {str(error).splitlines()[0]}", None) from None
    return Document(builder.root[0] if builder.root else None, builder.lines)


def _take(event: yaml.Event, builder: _Builder) -> None:
    line = event.start_mark.line + 1 if event.start_mark else 0
    match event:
        case yaml.AliasEvent():
            raise YamlRefused("aliases (*) are not allowed; write the text out", line)
        case yaml.DocumentStartEvent() if builder.root:
            raise YamlRefused("a second document (---) is not allowed; one file, one document", line)
        case yaml.DocumentStartEvent() if event.version or event.tags:
            raise YamlRefused("directives (%) are not allowed", line)
        case yaml.NodeEvent() if event.anchor is not None:
            raise YamlRefused("anchors (&) are not allowed; write the text out", line)
        case yaml.ScalarEvent() | yaml.CollectionStartEvent() if event.tag is not None:
            raise YamlRefused("tags (!) are not allowed; every value is text", line)
        case yaml.ScalarEvent():
            builder.scalar(event.value, line)
        case yaml.MappingStartEvent():
            builder.open({}, line)
        case yaml.SequenceStartEvent():
            builder.open([], line)
        case yaml.CollectionEndEvent():
            builder.opened.pop()
