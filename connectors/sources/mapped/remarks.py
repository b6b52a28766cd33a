"""What a person who writes a mapping wants to know: which expressions find nothing, and what was perhaps meant."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any

from connectors.sources.mapped.documents import document
from connectors.sources.mapped.expressions import Scope, compiled
from connectors.sources.mapped.read import begun, heard
from connectors.sources.mapped.told import Told
from engine.contracts import Delivery

LOOKED_INTO = 200  # records, for names that are there
SHOWN = 12
MOST_DEEP = 6


def remarks(delivery: Delivery) -> tuple[str, ...]:
    """Sentences about the mapping as it meets this delivery. Raises Unreadable."""
    told = begun(delivery, traced=True)
    routed = delivery.config.get("route", "no").strip().lower() == "yes"
    heard(delivery, told, routed=routed)
    whole, _ = document(delivery, told.mapping.shape)
    top = Scope(here=whole, document=whole, headers=delivery.headers)
    return (*_records(told, whole, top), *_expressions(told, whole), *_undated(told))


def _records(told: Told, whole: Any, top: Scope) -> Iterator[str]:
    for block in told.mapping.records:
        if block.each is not None and block.each.of(top) is None:
            names = ", ".join(islice((str(key) for key in whole), SHOWN)) if isinstance(whole, dict) else "a list"
            yield f"{block.path}: each: {block.each.source} finds nothing; at the top there is: {names}"


def _expressions(told: Told, whole: Any) -> Iterator[str]:
    names = dict.fromkeys(_names(whole))
    for key, asked in told.asked.items():
        part, field, source = key
        if told.found[key]:
            continue
        root = compiled(source).root
        meant = get_close_matches(root or "", [*names], n=1, cutoff=0.6) if root not in names else []
        hint = f"; did you mean {meant[0]}?" if meant else ""
        if root is not None and root not in names and not meant:
            hint = f"; there is no {root} in it"
        yield f"{part} {field}: {source} finds nothing in {asked} {'record' if asked == 1 else 'records'}{hint}"


def _undated(told: Told) -> Iterator[str]:
    for raw, count in told.undated.items():
        yield (
            f"the status {raw} ({count} times) may come again and again: it is told only where status_at says since "
            "when it holds, or as a scan with its time"
        )


def _names(value: Any, depth: int = 0) -> Iterator[str]:
    """The names of fields anywhere in it."""
    if depth > MOST_DEEP:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _names(inner, depth + 1)
    elif isinstance(value, list):
        for item in value[:LOOKED_INTO]:
            yield from _names(item, depth + 1)
