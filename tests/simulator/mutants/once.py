"""Once and not twice: fences, keys and doubts that the core forgets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert

from engine.flow import arm, doubt, hand_over, outcome, recover, send
from engine.flow.render import Rendered
from engine.store import outbox
from engine.store.compiled import Bulk
from engine.store.tables import ATTEMPT
from tests.simulator.mutants.mutant import CALM, Mutant, always, nothing
from tests.simulator.simulation import Simulation
from tests.simulator.stories import HOUR


def any_fence(tx: Any, fences: Mapping[int, int]) -> set[int]:
    """Whoever has claimed once may arm for ever."""
    return set(fences)


def by_its_own_key(app: Any, channel: Any, past: Any = None) -> timedelta:
    """A key is a key: a message that may have left in a batch is repeated like any other."""
    return app.channels(channel.connector).capabilities.idempotency if channel else timedelta(0)


def written_anew(*given: Any) -> Rendered:
    """A repeat is a message like any other."""
    return next(one for one in given if isinstance(one, Rendered))


def sent_inside(app: Any, merchant: int, batch: arm.Batch) -> list[Any]:
    """Arm and send in one transaction, so that they are one."""
    return app.store.commit(lambda tx: hand_over.hand_over(app, arm._arm(app, tx, batch, ())), merchant)


def as_given(app: Any, done: list[Any]) -> list[Any]:
    return done


def away_after_sending(simulation: Simulation, hours: float = 26.0) -> None:
    """Everything is down for so long, from some seconds after a message was accepted on."""

    def down(_: str) -> None:
        world = simulation.world
        simulation.outside.later(world.t + 4, "outage", act=partial(simulation.outside.outage, world.t + hours * HOUR))

    simulation.there.provider.on_accept.append(down)


# A worker that comes too late is stopped by the fence, and sometimes by the key of attempts: whoever forgets the one
# must not lean on the other.
KEYLESS = Bulk(insert(ATTEMPT).prefix_with("OR REPLACE"))
REPEATS = [(where, "may_repeat", always) for where in (recover, outcome, doubt)]
ONCE: Mapping[str, Mutant] = {
    "blind retry": Mutant(
        swaps=REPEATS, breaks=frozenset({"P4"}), weather=CALM | {"kind": "park", "crash": 0.05}
    ),
    "no fence at T4": Mutant(
        swaps=[(outbox, "held", any_fence), (outbox, "ATTEMPTED", KEYLESS)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "park", "stop": 0.3},
    ),
    "no fence at T5": Mutant(
        swaps=[(outbox, "_counts", always)], breaks=frozenset({"P5"}),
        weather=CALM | {"kind": "keyed", "stop": 0.3, "unheard": 0.5},
    ),
    "window looked at in recovery only": Mutant(
        swaps=[(doubt, "too_late", nothing)], breaks=frozenset({"P4"}), script=away_after_sending,
        weather=CALM | {"kind": "window", "unheard": 0.7},
    ),
    "other bytes under the same key": Mutant(
        swaps=[(doubt, "as_before", written_anew)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "keyed", "unheard": 0.5},
    ),
    "a doubt forgotten": Mutant(
        swaps=[(doubt, "unless_left", nothing)], breaks=frozenset({"hidden"}),
        script=partial(away_after_sending, hours=200.0), weather=CALM | {"kind": "keyed", "unheard": 0.7},
    ),
    "a message of a batch repeated by its own key": Mutant(
        swaps=[(where, "window_of", by_its_own_key) for where in (doubt, outcome, recover)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "batched", "crash": 0.03},
    ),
    "sent inside the transaction": Mutant(
        swaps=[(send, "arm", sent_inside), (send, "hand_over", as_given)], breaks=frozenset({"P4"}),
        weather=CALM | {"kind": "park", "crash": 0.03},
    ),
}  # fmt: skip
