"""An endpoint of the merchant that is told events: it takes them or not, and remembers what it has taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from engine.contracts import Answer, Failure, HttpRequest
from engine.rules.hook import IN_ORDER
from tests.simulator.database import Database
from tests.simulator.world import World

SEND = 15.0  # seconds, as by default
# Earlier events of the same order that must have been told first.
BEFORE = """
SELECT before.public_id FROM hook_call this JOIN hook_call before ON before.subject_id = this.subject_id
WHERE this.public_id = ? AND before.id < this.id AND before.due_at NOT NULL AND before.tries < ?
"""


@dataclass(kw_only=True)
class Endpoint:
    """Implements `flow.app.SideBySide`. `heard` counts what it has taken, by webhook-id."""

    world: World
    database: Database
    heard: Counter[str] = field(default_factory=Counter)

    def start(self, _: str, request: HttpRequest, __: Mapping[str, str]) -> Future[Answer | Failure]:
        """What comes of one event."""
        world, began, number = self.world, self.world.t, request.headers["webhook-id"]
        early = world.rng.random() < 0.5  # it has arrived before anything else happens here
        answer = self._answer(number) if early else None
        world.seam("told")
        world.pass_time(1.0)
        if answer is None:
            late = Failure(stage="handed_over", text="timed out")
            answer = late if world.t - began > SEND else self._answer(number)
        done: Future[Answer | Failure] = Future()
        done.set_result(answer)
        return done

    def _answer(self, number: str) -> Answer | Failure:
        world, weather, rng = self.world, self.world.weather, self.world.rng
        if not world.calm and rng.random() < weather.refused:
            return rng.choice((Failure(stage="connect", text="connection refused"), Answer(code=503)))
        if not self.heard[number]:
            for (before,) in self.database.rows(BEFORE, number, IN_ORDER):
                if not self.heard[before]:
                    world.blame("P15", f"{number} was told before {before}, which happened first")
        self.heard[number] += 1
        if not world.calm and rng.random() < weather.unheard:
            return Failure(stage="handed_over", text="the answer was lost")
        return Answer(code=204)
