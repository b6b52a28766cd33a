"""Tables that sources keep beside their code: YAML read as strings only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class _StringsOnly(yaml.BaseLoader):
    """No scalar is interpreted ("no" stays "no", 0120 keeps its zero); nothing is named twice or reused."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if event.anchor if isinstance(event, yaml.NodeEvent) else None:
            raise yaml.YAMLError(f"anchors and aliases are not allowed (line {self.line + 1})")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name!r} stands twice (line {node.start_mark.line + 1} and below)")
        return super().construct_mapping(node, deep=True)


def load_table(path: Path) -> dict[str, Any]:
    """Return the mapping in the file; every scalar is a str. Raises ValueError naming file and line."""
    try:
        table = yaml.load(path.read_text(encoding="utf-8"), _StringsOnly)  # noqa: S506 builds strings only
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not isinstance(table, dict):
        raise ValueError(f"{path.name}: expected a mapping at the top")
    return table
