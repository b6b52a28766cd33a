"""Statuses that an operator has mapped: settings `status.<raw>=<status>` of a connection, beside its source's table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

from msgspec import structs

from engine.contracts import Observation, Reading, ScanSeen
from engine.model.shipment import Status

PREFIX = "status."
STATUSES: tuple[Status, ...] = tuple(one for one in get_args(Status) if one != "unknown")

# As a source's schema has them, under patternProperties.
PATTERNS: Mapping[str, Any] = {
    r"^status\..+$": {
        "title": "what a scan's status means that stands in no table of ours",
        "title_ja": "対応表にない配送ステータスの意味",
        "enum": list(STATUSES),
    },
}


def mappings(config: Mapping[str, str]) -> dict[str, Status]:
    """Raw status in lower case -> ours, of the settings of a connection."""
    known: dict[str, Status] = {one: one for one in STATUSES}
    named = {key.removeprefix(PREFIX).casefold(): value for key, value in config.items() if key.startswith(PREFIX)}
    return {raw: known[value] for raw, value in named.items() if value in known}


def mapped(reading: Reading, config: Mapping[str, str]) -> tuple[Reading, tuple[tuple[str, bool], ...]]:
    """The reading, with scans of unknown status as the operator has mapped them; and the statuses that stay unmapped,
    with whether each is a scan's."""
    known = mappings(config) if any(key.startswith(PREFIX) for key in config) else {}
    if known:
        routed = tuple(replace(one, observations=_mapped(one.observations, known)) for one in reading.routed)
        reading = replace(reading, observations=_mapped(reading.observations, known), routed=routed)
    if not reading.unmapped:
        return reading, ()
    scans = {
        seen.raw_code.casefold()
        for seen in (*reading.observations, *(seen for one in reading.routed for seen in one.observations))
        if isinstance(seen, ScanSeen) and seen.raw_code
    }
    left = (raw for raw in reading.unmapped if raw.casefold() not in known)
    return reading, tuple((raw, raw.casefold() in scans) for raw in left)


def _mapped(seen: Iterable[Observation], known: Mapping[str, Status]) -> tuple[Observation, ...]:
    return tuple(_one(each, known) for each in seen)


def _one(seen: Observation, known: Mapping[str, Status]) -> Observation:
    if isinstance(seen, ScanSeen) and seen.status == "unknown" and seen.raw_code:
        status = known.get(seen.raw_code.casefold())
        return structs.replace(seen, status=status) if status else seen
    return seen
