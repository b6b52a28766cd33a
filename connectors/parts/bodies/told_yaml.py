"""YAML that somebody wrote into a setting: texts, lists and mappings, with the line of everything for errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

Path = tuple[str | int, ...]


class Refused(ValueError):
    """The text is not plain YAML. `line` counts from 1 and is None when no line can be named."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True)
class Document:
    """`lines` has the line, from 1, of every key and item, by the path that leads to it."""

    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the nearest thing on the way to `path` that is in the text."""
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 1)


class _Strict(yaml.BaseLoader):
    """Composes nodes; anchors, aliases, tags and second documents are refused on the way."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if getattr(event, "anchor", None) is not None:
            raise Refused("anchors and aliases (& and *) are not allowed; write the text out", line)
        if getattr(event, "tag", None) is not None:
            raise Refused("tags (!) are not allowed; every value is text", line)
        return super().compose_node(parent, index)


def read(text: str) -> Document:
    """What the text says; every scalar is a str, as written. Raises Refused."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Refused(f"larger than {MAX_BYTES} bytes")
    try:
        root = yaml.compose(text.removeprefix("\ufeff"), Loader=_Strict)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(f"not YAML: {error.problem or error.context}", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Refused(f"not YAML: {str(error).splitlines()[0] if str(error) else 'nested too deep'}") from None
    lines: dict[Path, int] = {}
    return Document(_value(root, (), lines) if root is not None else None, lines)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    if len(path) > MAX_DEPTH:
        raise Refused(f"nested deeper than {MAX_DEPTH} levels", node.start_mark.line + 1)
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, place), lines) for place, item in enumerate(node.value)]
    table: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Refused("a key must be one word, not a list or a mapping", line)
        if key.value == "<<":
            raise Refused("merge keys (<<) are not allowed; write the keys out", line)
        if key.value in table:
            raise Refused(f"{key.value!r} stands twice, first in line {lines[(*path, key.value)]}; keep one", line)
        lines[(*path, key.value)] = line
        table[key.value] = _value(value, (*path, key.value), lines)
    return table
