"""May a step or a run go on: its `where` and `unless` asked of a view, with a reason people can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from engine.rules.expression import NEVER_CHANGES, ExpressionFailed, holds, paths


class Ruling(Struct, frozen=True, kw_only=True):
    """`reason` says why not and is None when it may go on; `values` are what the guards saw."""

    allowed: bool
    reason: str | None
    values: Mapping[str, Any]


def ruling(where: str | None, unless: str | None, names: Mapping[str, Any]) -> Ruling:
    """Ask both guards. A guard that cannot be decided refuses: better no message than a wrong one."""
    values: dict[str, Any] = {}
    for word, source, wanted in (("where", where, True), ("unless", unless, False)):
        if source is None:
            continue
        try:
            verdict = holds(source, names)
        except ExpressionFailed as failed:
            return Ruling(allowed=False, reason=f"{word} cannot be decided: {failed}", values=values)
        values |= verdict.values
        if verdict.value is not wanted:
            said = "does not hold" if wanted else "holds"
            return Ruling(allowed=False, reason=f"{word} {said}: {source}", values=values)
    return Ruling(allowed=True, reason=None, values=values)


def settled(where: str | None, unless: str | None, names: Mapping[str, Any]) -> Ruling:
    """Ask only the guards that look at nothing but the event that started the run, whose answer can never
    change; the others count as passed for now."""
    return ruling(_fixed(where), _fixed(unless), names)


def _fixed(source: str | None) -> str | None:
    if source is None or not all(path[0] in NEVER_CHANGES for path in paths(source)):
        return None
    return source
