"""Which of several ways to a person is taken: the first that is open, in the order that the step names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.rules.policy import Allow, Defer, Refuse, Verdict

NO_WAY = "no channel that is connected carries this message"


class Picked(NamedTuple):
    """The way taken by its place, or None where none is open, and the verdict on the message."""

    place: int | None
    verdict: Verdict


def pick(ways: Sequence[tuple[str, Verdict]]) -> Picked:
    """`ways` are (medium, verdict) in order. The first that is open is taken. Where none is, the message waits if one
    may open by itself; it ends if one has said no; else it waits for an address to become known. What kept it from the
    ways before is among the values."""
    passed: dict[str, str] = {}
    for place, (medium, verdict) in enumerate(ways):
        if isinstance(verdict, Allow):
            values = {"by": medium, **{f"not by {name}": reason for name, reason in passed.items()}}
            return Picked(place, Allow(values) if passed else verdict)
        passed.setdefault(medium, verdict.reason)
    if not ways:
        return Picked(None, Refuse("suppressed", NO_WAY))
    best = min((verdict for _, verdict in ways), key=_rank)  # the first of equals
    return Picked(None, best)


def _rank(verdict: Verdict) -> int:
    match verdict:
        case Defer(awaits="contact"):
            return 2
        case Refuse():
            return 1
        case _:
            return 0
