"""Records as an API gives them: bare, in a list, or wrapped ({"order": ...}, {"data": {"orders": {...}}})."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.contracts import BadRow, Reading, Unreadable

MOST_WRAPPERS = 4  # data, orders, edges, node


def unwrapped(body: Any, wrappers: Sequence[str]) -> list[Mapping[str, Any]]:
    """The records in the body. `wrappers` are keys that hold records and nothing else worth having; one that stands in
    a record as null or text is no wrapper. Raises Unreadable for a body that holds no object at all."""
    level = body if isinstance(body, list) else [body]
    for _ in range(MOST_WRAPPERS):
        below = [_inside(item, wrappers) for item in level]
        if all(inner is None for inner in below):
            break
        level = [one for item, inner in zip(level, below, strict=True) for one in ([item] if inner is None else inner)]
    found: list[Mapping[str, Any]] = [item for item in level if isinstance(item, dict)]
    if not found and (level or not isinstance(body, list | dict)):
        raise Unreadable("the body holds no JSON object")
    return found


def each(records: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], Reading]) -> Reading:
    """One reading of all records. Of several, one that is unreadable is a BadRow and the others are read; a single
    one raises Unreadable."""
    if len(records) == 1:
        return read(records[0])
    readings, bad = [], []
    for place, record in enumerate(records, 1):
        try:
            readings.append(read(record))
        except Unreadable as error:
            bad.append(BadRow(number=place, reason=str(error)))
    if bad and not readings:
        raise Unreadable(f"none of {len(bad)} records can be read; the first: {bad[0].reason}")
    return merged(readings, bad_rows=tuple(bad))


def merged(readings: Iterable[Reading], bad_rows: tuple[BadRow, ...] = ()) -> Reading:
    """All that the readings say; `ignored` only when there is nothing in any of them."""
    every = list(readings)
    together = Reading(
        observations=tuple(one for reading in every for one in reading.observations),
        unmapped=tuple(dict.fromkeys(raw for reading in every for raw in reading.unmapped)),
        fetch=tuple(dict.fromkeys(ref for reading in every for ref in reading.fetch)),
        bad_rows=bad_rows,
    )
    if together != Reading():
        return together
    return Reading(ignored=next((one.ignored for one in every if one.ignored), "the list holds no record"))


def _inside(item: Any, wrappers: Sequence[str]) -> list[Any] | None:
    """What a wrapper holds; None for a record."""
    if not isinstance(item, dict):
        return None
    for name in wrappers:
        inner = item.get(name)
        if isinstance(inner, list):
            return inner
        if isinstance(inner, dict):
            return [inner]
    return None
