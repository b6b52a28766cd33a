"""A delivery read as a source would read it, with nothing stored: for whoever sets a connection up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from engine.contracts import BadRow, Delivery, Observation, Source, Unreadable
from engine.rules.lacking import moments

# The two ends of the earth: a time that moves when the zone does has none of its own.
EAST, WEST = "Etc/GMT-14", "Etc/GMT+12"
LATER = timedelta(days=4)  # what lies ahead of its delivery is cut, and would not move


@dataclass(frozen=True, kw_only=True)
class Becomes:
    """One observation. `owner` is the goods owner it is for; `no_zone` are the fields whose time had no zone."""

    seen: Observation
    owner: str | None = None
    no_zone: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Tried:
    """What came of it."""

    rows: list[Becomes] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    unmapped: Counter[str] = field(default_factory=Counter)
    fetch: int = 0
    remarks: dict[str, None] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)  # deliveries ignored or unreadable, by the reason


def try_read(source: Source, delivery: Delivery, tried: Tried) -> None:
    """Read one delivery and add what it says to `tried`."""
    try:
        reading = source.read(delivery)
    except Unreadable as unreadable:
        tried.left_out[f"unreadable: {unreadable}"] += 1
        _remark(source, delivery, tried)
        return
    seen = [(None, one) for one in reading.observations]
    seen_by = [*seen, *((routed.route, one) for routed in reading.routed for one in routed.observations)]
    zoneless = _zoneless(source, delivery, [one for _, one in seen_by])
    tried.rows += [
        Becomes(seen=one, owner=owner, no_zone=zoneless.get(place, ())) for place, (owner, one) in enumerate(seen_by)
    ]
    tried.bad_rows += reading.bad_rows
    tried.unmapped.update(reading.unmapped)
    tried.fetch += len(reading.fetch)
    if not (seen_by or reading.bad_rows or reading.fetch or reading.receipts):
        tried.left_out[f"ignored: {reading.ignored or 'it says nothing that we use'}"] += 1
    _remark(source, delivery, tried)


def _remark(source: Source, delivery: Delivery, tried: Tried) -> None:
    if source.remarks is None:
        return
    try:
        tried.remarks |= dict.fromkeys(source.remarks(delivery))
    except Unreadable:
        return  # which has been said


def _zoneless(source: Source, delivery: Delivery, seen: list[Observation]) -> Mapping[int, tuple[str, ...]]:
    """Place of an observation -> its fields whose time moves with the assumed zone."""
    if "timezone" not in source.manifest.settings.get("properties", {}):
        return {}
    late = replace(delivery, received_at=delivery.received_at + LATER)
    config = {zone: {**late.config, "timezone": zone} for zone in (EAST, WEST)}
    east, west = (_everything(source, replace(late, config=config[zone])) for zone in (EAST, WEST))
    if not len(east) == len(west) == len(seen):
        return {}
    found = {}
    for place, (one, other) in enumerate(zip(east, west, strict=True)):
        there = moments(other)
        moved = tuple(name for name, at in moments(one).items() if name != "as_of" and there.get(name) != at)
        if moved:
            found[place] = moved
    return found


def _everything(source: Source, delivery: Delivery) -> list[Observation]:
    try:
        reading = source.read(delivery)
    except Unreadable:
        return []
    return [*reading.observations, *(one for routed in reading.routed for one in routed.observations)]
