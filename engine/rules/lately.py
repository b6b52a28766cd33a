"""Questions about facts are asked many times of the same facts; the last answers are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from engine.model.facts import Facts

T = TypeVar("T")
KEPT = 256  # facts; a batch of a hundred messages is asked of phase by phase


def lately(ask: Callable[[Facts], T]) -> Callable[[Facts], T]:
    """Answers from memory while the very same facts are asked about. Facts never change, so neither may the
    answer: whoever is given it must not write into it. Threads may share it; they only forget for each other."""
    known: dict[int, tuple[Facts, T]] = {}  # by identity: what is kept here cannot be another's by then

    @wraps(ask)
    def answer(facts: Facts) -> T:
        found = known.get(id(facts))
        if found is None:
            if len(known) >= KEPT:
                known.clear()
            found = known[id(facts)] = (facts, ask(facts))
        return found[1]

    return answer
