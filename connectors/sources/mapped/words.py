"""Statuses as the other system writes them, and what the mapping's table says that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.parts.values.values import compared

LONGEST = 64  # of a status that nobody has mapped, kept for the operator


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """`word` is one of spec.MEANINGS; reason and substatus are a carrier's."""

    word: str
    reason: str | None = None
    substatus: str | None = None


Statuses = Mapping[str, Mapping[str, tuple[Meaning, ...]]]  # part -> word as compared -> meanings


def looked_up(statuses: Statuses, section: str, raw: str) -> tuple[Meaning, ...] | None:
    """What the status means; None when the table does not have it. A scan may stand in the shipments' table."""
    key = compared(raw)
    for name in (section, "shipment") if section == "scan" else (section,):
        if key in (table := statuses.get(name, {})):
            return table[key]
    return None


def raw_word(text: str) -> str:
    """A status to be shown: printable, cut."""
    return "".join(char for char in text if char.isprintable())[:LONGEST]
