"""What must not leave, or not yet: gates at which the core is broken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from engine.flow import arm, claims, hand_over
from engine.store import outbox, people
from tests.simulator.mutants.mutant import CALM, Mutant
from tests.simulator.simulation import Simulation
from tests.simulator.stage import Actor
from tests.simulator.stories import cancelled
from tests.simulator.world import Chance, World


def only_the_fence(app: Any, tx: Any, batch: arm.Batch, now: Any) -> list[Any]:
    """T4 trusts what was read before it."""
    mine = outbox.held(tx, {letter.row.id: letter.row.fence for letter in batch.letters})
    return [letter for letter in batch.letters if letter.row.id in mine]


def whenever(app: Any, pile: Any, held: Any, most: int | None = None) -> list[Any]:
    """Armed is armed: it leaves, however long ago that was."""
    done = []
    while pile and (most is None or len(done) < most):
        done += [(one, hand_over._one(app, one)) for one in pile.popleft()]
    return done


def nobody(tx: Any, endpoints: Any) -> dict[str, set[str]]:
    """Who bounced or complained is written to again."""
    return {}


def an_hour_early(self: Any) -> None:
    self.now = self.app.clock.now() + timedelta(hours=1)
    self.real, self._few = self.app.clock.real(), None


def paused_when_claimed(simulation: Simulation) -> None:
    """An operator pauses everything as soon as a message is claimed."""

    def pause(_: Any) -> None:
        t = simulation.world.t
        simulation.outside.later(t, "pause", act=partial(simulation.outside.pause, None))
        simulation.outside.later(t + 300, "resume", act=partial(simulation.outside.resume, None))

    simulation.there.watch.on_claim.append(pause)


def cancelled_when_claimed(simulation: Simulation) -> None:
    """The shop cancels an order as soon as a message about it is claimed."""
    told: set[int] = set()

    def cancel(message: Any) -> None:
        about = simulation.there.database.one("SELECT number FROM subject WHERE id = ?", message["subject_id"])
        order = int(about or 0) - 1001
        if order >= 0 and order not in told:
            told.add(order)
            one = cancelled(order, simulation.world.t)
            simulation.story.told.append(one)
            simulation.outside.bring(one)

    simulation.there.watch.on_claim.append(cancel)


class HeldBeforeArming(Chance):
    """Everybody stands still for half a minute between reading a message and arming it."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def at(self, world: World, actor: Actor, seam: str) -> str:
        last, self._last[actor.name] = self._last.get(actor.name), seam
        if actor.doing == "deliver" and (last, seam) == ("read", "begin"):
            return "stop 30"
        return super().at(world, actor, seam)


GATE: Mapping[str, Mutant] = {
    "no gate at T4, under a pause": Mutant(
        swaps=[(arm, "_mine", only_the_fence)], breaks=frozenset({"P12"}), script=paused_when_claimed,
        plan=HeldBeforeArming, weather=CALM | {"kind": "keyed"},
    ),
    "no gate at T4, for a cancelled order": Mutant(
        swaps=[(arm, "_mine", only_the_fence)], breaks=frozenset({"P6"}), script=cancelled_when_claimed,
        plan=HeldBeforeArming, weather=CALM | {"kind": "keyed"},
    ),
    "no deadline after arming": Mutant(
        swaps=[(hand_over, "_work_off", whenever)], breaks=frozenset({"P6"}),
        weather=CALM | {"kind": "keyed", "stop": 0.2},
    ),
    "suppressions not looked at": Mutant(
        swaps=[(people, "suppressed", nobody)], breaks=frozenset({"P9"}),
        weather=CALM | {"kind": "keyed", "bad_receipts": 1.0},
    ),
    "claimed before it is due": Mutant(
        swaps=[(claims._Due, "__post_init__", an_hour_early)], breaks=frozenset({"P11"}),
        weather=CALM | {"kind": "keyed", "refused": 0.6, "hints_lost": 0.0, "hints_doubled": 1.0},
    ),
}  # fmt: skip
