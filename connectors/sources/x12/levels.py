"""The levels of a ship notice (HL): shipment, orders, tares, packages, items, however they are stacked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from connectors.sources.x12.segments import Segment

MOST_ABOVE = 50  # a level above itself would have no end


@dataclass(eq=False, kw_only=True)
class Level:
    """One HL with its own segments. `kind` is S, O, T, P or I."""

    kind: str
    above: Level | None = None
    below: list[Level] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    def upwards(self) -> Iterator[Level]:
        """Itself, and what it is in, from the inside out."""
        level: Level | None = self
        for _ in range(MOST_ABOVE):
            if level is None:
                return
            yield level
            level = level.above

    def downwards(self) -> Iterator[Level]:
        """Itself, and everything in it."""
        waiting = [self]
        while waiting:
            level = waiting.pop()
            yield level
            waiting.extend(reversed(level.below))


def levels(told: Sequence[Segment]) -> Level:
    """The shipment with all its levels. What stands before the first HL, and a notice without any, is the shipment's;
    a level that names nothing above it is below the one before it, or beside it when that is of its kind."""
    shipment = current = Level(kind="S")
    known: dict[str, Level] = {}
    for one in told:
        if one.id != "HL":
            current.segments.append(one)
            continue
        kind = one[3].upper()
        if kind == "S" and current is shipment:
            known[one[1]] = shipment
            continue
        beside = current.above if current.kind == kind else current
        above = shipment if kind == "S" else known.get(one[2]) or beside or shipment
        current = Level(kind=kind, above=above)
        above.below.append(current)
        known[one[1]] = current
    return shipment


def packages(shipment: Level) -> list[Level]:
    """The levels that are packages: the innermost P, tares (T) where there is no P; none where nothing is packed."""
    every = list(shipment.downwards())
    kind = "P" if any(level.kind == "P" for level in every) else "T"
    found = [level for level in every if level.kind == kind]
    around = {id(outer) for level in found for outer in level.upwards() if outer is not level}
    return [level for level in found if id(level) not in around]
