"""One attempt under way, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.contracts import Outcome, Request
from engine.flow.letter import Letter
from engine.flow.limits.passage import Passage
from engine.store.attempts import Past


@dataclass(frozen=True, kw_only=True)
class Try:
    """A message that was armed. `armed_at` is a reading of the monotonic clock; `passage` is how its account stood,
    `past` what had become of the attempts before."""

    letter: Letter
    request: Request
    n: int
    armed_at: float
    passage: Passage
    past: Past


@dataclass(frozen=True)
class NotStarted:
    """An attempt that was armed and surely not handed over, and why."""

    reason: str


Done = tuple[Try, Outcome | NotStarted]
