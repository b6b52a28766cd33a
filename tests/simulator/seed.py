"""One seed from its number: the story, the weather, the run, and what is held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from engine.flow import batches
from engine.io.log import configure
from engine.store import session
from tests.simulator import stories, weather
from tests.simulator.journeys import choose
from tests.simulator.promises import check, compare, statuses
from tests.simulator.simulation import Simulation
from tests.simulator.weather import Kind
from tests.simulator.world import START, Plan, World

COMPARED = 3  # of so many seeds, one is told again in calm weather


@dataclass(kw_only=True)
class Ended:
    """What came of a seed."""

    seed: int
    kind: Kind
    steps: int
    crashes: int
    sends: int
    doubles: int  # accepted more than once, as `retry_once` may
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


Script = Callable[[Simulation], None]


def run(
    seed: int, *, kind: Kind | None = None, plan: Plan | None = None, script: Script | None = None,
    trace: bool = False, **changed: Any,
) -> Ended:  # fmt: skip
    """Live through a seed. `kind` and `changed` fix parts of its weather; `plan` decides at the seams instead of
    chance; `script` adds what is to happen from outside."""
    configure("CRITICAL", human=False)
    rng = Random(seed)
    drawn = replace(weather.draw(rng, kind), **changed)
    chosen, story = choose(rng), stories.tell(rng, drawn)
    world = World(seed, drawn, plan)
    done = _simulate(world, story, chosen, script)
    counted: Counter[str] = Counter()
    if not world.wrong:
        record = check(done)
        counted = statuses(record)
        if not world.wrong and seed % COMPARED == 0:
            again = _simulate(World(seed, weather.calm(drawn.kind)), stories.in_order(story), chosen)
            world.wrong += again.world.wrong
            compare(done, record, check(again), drawn)
    accepted = [len(times) for times in done.there.provider.accepted.values()]
    return Ended(
        seed=seed, kind=drawn.kind, steps=world.steps, crashes=world.crashes, sends=len(done.there.provider.handed),
        doubles=sum(times > 1 for times in accepted), statuses=counted, wrong=world.wrong,
        trace=list(_lines(world)) if world.wrong or trace else [],
    )  # fmt: skip


def _simulate(world: World, story: stories.Story, chosen: frozenset[str], script: Script | None = None) -> Simulation:
    done = Simulation(world, story, chosen)
    if script is not None:
        script(done)
    usual = session.sleep, batches.sleep
    session.sleep = batches.sleep = world.sleep
    try:
        done.run()
    finally:
        session.sleep, batches.sleep = usual
    return done


def _lines(world: World) -> Iterable[str]:
    for t, who, what in world.trace:
        yield f"{START + timedelta(seconds=t):%m-%d %H:%M:%S.%f} {who:3} {what}"
