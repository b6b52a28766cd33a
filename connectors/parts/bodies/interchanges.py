"""Files of several EDI messages -> one reading: what cannot be read is reported, the others go in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from connectors.parts.bodies.records import merged
from engine.contracts import BadRow, Reading, Routed, Unreadable

T = TypeVar("T")  # a message


def each(told: Sequence[T], read: Callable[[T], Reading], receiver: Callable[[T], str] | None = None) -> Reading:
    """The reading of all messages; with `receiver`, each for the merchant of its own. A message that is Unreadable is a
    BadRow by its place in the file. Raises Unreadable when none can be read."""
    bad: list[BadRow] = []
    found: list[tuple[str, Reading]] = []
    for number, one in enumerate(told, 1):
        try:
            found.append((receiver(one) if receiver else "", read(one)))
        except Unreadable as error:
            bad.append(BadRow(number=number, reason=str(error)))
    if not found:
        raise Unreadable(bad[0].reason if bad else "there is no message in it")
    together = merged((reading for _, reading in found), bad_rows=tuple(bad))
    if receiver is None:
        return together
    by_receiver: dict[str, list[Reading]] = {}
    for name, reading in found:
        by_receiver.setdefault(name, []).append(reading)
    routed = ((name, merged(some).observations) for name, some in by_receiver.items())
    return Reading(
        routed=tuple(Routed(route=name, observations=observations) for name, observations in routed if observations),
        bad_rows=together.bad_rows,
        unmapped=together.unmapped,
        ignored=together.ignored,
    )


def listed(value: str) -> tuple[str, ...]:
    """The qualifiers of a setting: "PRF, PO" has two."""
    return tuple(part for one in value.upper().split(",") if (part := one.strip()))
