"""How often something was tried lately, in this process: what strangers may guess at is guessed slowly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

MOST = 20_000  # counts that are kept; the oldest go first


@dataclass(frozen=True)
class Limit:
    """So many tries within so many seconds."""

    tries: int
    seconds: float


class Tries:
    """Counts by name, each within a window that begins with its first try. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float], limits: Mapping[str, Limit]) -> None:
        self._clock, self._limits = clock, limits
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = Lock()

    def one_more(self, **by: str) -> bool:
        """Count one more try under each name of a limit, by whose it is; False when that is one too many for any. One
        that is too many for the first is not counted under the rest."""
        now = self._clock()
        with self._lock:
            return all(self._within(name, whose, now) for name, whose in by.items())

    def _within(self, name: str, whose: str, now: float) -> bool:
        limit, key = self._limits[name], (name, whose)
        since, count = self._counts.pop(key, (now, 0))
        if now - since > limit.seconds:
            since, count = now, 0
        self._counts[key] = (since, count + 1)  # at the end: what is tried most is forgotten last
        if len(self._counts) > MOST:
            del self._counts[next(iter(self._counts))]
        return count < limit.tries
