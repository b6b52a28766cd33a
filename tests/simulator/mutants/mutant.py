"""A broken variant of the core: what stands where in it, and how it is brought out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.simulator.seed import Ended, Script, run
from tests.simulator.world import Chance, Plan

Swap = tuple[Any, str, Any]  # where, what, and what stands there instead
CALM: Mapping[str, Any] = {
    "workers": 3, "crash": 0.0, "stop": 0.0, "broken": 0.0, "leap": 0.0, "refused": 0.0, "unheard": 0.0, "storms": 0,
    "jumps": 0, "skew": 0.0, "outages": 0, "pauses": 0, "switch": 0.3, "late": 0.0, "polled": 0.0,
    "hooked": False,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """What is broken, the weather that brings it out, and the promises of which one must be seen to break."""

    swaps: Sequence[Swap]
    breaks: frozenset[str]
    weather: Mapping[str, Any]
    script: Script | None = None
    plan: Callable[[], Plan] = Chance
    seeds: int = 30  # at most

    @contextmanager
    def on(self) -> Any:
        """The core is broken in this way."""
        with ExitStack() as swapped:
            for where, name, broken in self.swaps:
                swapped.enter_context(patch.object(where, name, broken))
            yield

    def run(self, seed: int) -> Ended:
        """A seed in this weather, whether the core is broken or whole."""
        return run(seed, script=self.script, plan=self.plan(), **self.weather)

    def caught(self) -> Ended | None:
        """The first seed that shows it; None when none does."""
        with self.on():
            for seed in range(self.seeds):
                ended = self.run(seed)
                broken = {told.split(":")[0] for told in ended.wrong}
                assert "bug" not in broken, f"it breaks in another way than it says: {ended.wrong}"
                if broken & self.breaks:
                    return ended
        return None


def always(*_: Any, **__: Any) -> bool:
    return True


def nothing(*_: Any, **__: Any) -> None:
    return None
