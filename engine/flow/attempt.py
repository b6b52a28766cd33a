"""One attempt under way, and what came of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.contracts import Outcome, Request
from engine.flow.letter import Letter
from engine.flow.limits.passage import Passage
from engine.store.attempts import Past


@dataclass(frozen=True, kw_only=True)
class Try:
    """A message that was armed. `armed_at` is a reading of the monotonic clock, `hour` the hour of business time whose
    volume counts it; `passage` is how its account stood, `past` what had become of the attempts before. Those with the
    same `batch` leave in one request; None: it leaves alone."""

    letter: Letter
    request: Request
    n: int
    armed_at: float
    hour: datetime
    passage: Passage
    past: Past
    batch: int | None = None


Load = Sequence[Try]  # what one request carries


@dataclass(frozen=True)
class NotStarted:
    """An attempt that was armed and surely not handed over, and why."""

    reason: str


Done = tuple[Try, Outcome | NotStarted]


def loads(tries: Iterable[Try]) -> list[Load]:
    """What each request carries, in the order of their first messages."""
    found: dict[Hashable, list[Try]] = {}
    for one in tries:
        found.setdefault(one.letter.row.id if one.batch is None else (one.batch,), []).append(one)
    return list(found.values())


def voices(done: Iterable[Done]) -> list[Done]:
    """What the account is to hear of: of the same outcomes of one request, one. Else a single lost answer would count
    as many failures."""
    found: dict[Hashable, Done] = {}
    for one, said in done:
        kind = type(said), getattr(said, "scope", None)
        found.setdefault(one.letter.row.id if one.batch is None else (one.batch, kind), (one, said))
    return list(found.values())
