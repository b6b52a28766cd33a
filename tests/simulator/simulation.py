"""One seed: workers over one database live through a story in bad weather; then everything heals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from engine.flow import call, observe, recover, send, wake
from engine.flow.app import App
from engine.flow.ask import errand
from tests.simulator.installation import Installation
from tests.simulator.outside import Happening, Outside
from tests.simulator.stage import Actor
from tests.simulator.stories import DAY, Story
from tests.simulator.world import START, World

VERBS: dict[str, Callable[[App, int | None], int]] = {
    "call": lambda app, _: call.call(replace(app, post=app.post.endpoint)),  # type: ignore[attr-defined]
    "observe": lambda app, _: observe.observe(app),
    "wake": lambda app, _: wake.wake(app),
    "deliver": lambda app, lane: send.deliver(app, lane),
    "ask": lambda app, _: errand.ask(app),
    "recover": lambda app, _: recover.recover(app),
}
MOST_STEPS = 3_000
HEALED = 60 * DAY  # after the last thing that was told, nothing waits any longer

WORK = """
SELECT
 EXISTS(SELECT 1 FROM inbox WHERE state = 'new' AND (lease_until IS NULL OR lease_until < :real)) observe,
 EXISTS(SELECT 1 FROM run WHERE wake_at <= :now) wake,
 EXISTS(SELECT 1 FROM message WHERE (status = 'planned' AND due_at <= :now)
  OR (status = 'leased' AND lease_until < :real)) deliver,
 EXISTS(SELECT 1 FROM errand WHERE due_at <= :real AND (lease_until IS NULL OR lease_until < :real)) ask,
 EXISTS(SELECT 1 FROM hook_call c JOIN hook h ON h.id = c.hook_id WHERE due_at <= :real AND disabled_at IS NULL
  AND (rest_until IS NULL OR rest_until <= :real)) call,
 EXISTS(SELECT 1 FROM message WHERE status = 'sending' AND lease_until < :real) recover
"""
NEXT = """
SELECT min(at) FROM (
 SELECT min(due_at) at FROM message WHERE status = 'planned' UNION ALL
 SELECT min(lease_until) FROM message WHERE status IN ('leased', 'sending') UNION ALL
 SELECT min(max(due_at, coalesce(rest_until, due_at))) FROM hook_call c JOIN hook h ON h.id = c.hook_id
  WHERE due_at NOT NULL AND disabled_at IS NULL UNION ALL
 SELECT min(wake_at) FROM run WHERE wake_at IS NOT NULL UNION ALL
 SELECT min(coalesce(lease_until, received_at)) FROM inbox WHERE state = 'new')
"""
# Somebody looks every day, whether there is anything to find or not: that alone keeps no seed going.
ASKED = """
SELECT min(max(due_at, coalesce(lease_until, due_at))) FROM errand WHERE coalesce(cursor, 0) + 0 < ? OR holder NOT NULL
"""
STORED = "%Y-%m-%d %H:%M:%S.%f"  # a moment as SQLite keeps it


class Simulation:
    """A seed on its way. `run` returns when everything has come to its end."""

    def __init__(self, world: World, story: Story, chosen: frozenset[str]) -> None:
        self.world, self.story = world, story
        self.there = Installation(world, chosen)
        self.outside = Outside(self.there, story)
        self._fruitless = 0

    def run(self) -> None:
        """Live through the story, then heal."""
        try:
            self.outside.prepare()
            while self._more():
                self._step()
            self._heal()
        finally:
            self.there.close()

    def _more(self) -> bool:
        return self.world.steps < MOST_STEPS and not self.world.wrong and self._next() is not None

    def _step(self) -> None:
        world, rng, next_one = self.world, self.world.rng, self.outside.next
        awake = [actor for actor in self.there.actors if actor.until <= world.t]
        busy = [actor for actor in awake if actor.doing]
        idle = [actor for actor in awake if not actor.doing]
        if busy and (not idle or rng.random() < 0.6):
            self.there.resume(rng.choice(busy))
        elif next_one and next_one.at <= world.t and (idle or next_one.act):
            self._happen(idle)
        elif idle and (chosen := self._chosen(idle)) is not None:
            self._start(*chosen)
        elif busy:
            self.there.resume(rng.choice(busy))
        else:
            self._wait()

    def _happen(self, idle: Sequence[Actor]) -> None:
        """The next thing from outside happens, or a worker does what is asked."""
        group = self.outside.take()
        if group[0].act is not None:
            group[0].act()
            return
        actor = self.world.rng.choice(idle)
        self.there.do(actor, group[0].name, partial(self._answer, group, actor))

    def _answer(self, group: Sequence[Happening], actor: Actor) -> None:
        try:
            if told := [one.told for one in group if one.told]:
                self.there.intakes[actor.name].take(told)
            for one in group:
                if one.job:
                    one.job(self.there.apps[actor.name])
                    one.job = None
        finally:
            for one in group:
                if one.job or (one.told and not one.told.acknowledged):
                    self.outside.again(one)

    def _chosen(self, idle: Sequence[Actor]) -> tuple[Actor, str, int | None] | None:
        """An idle worker and what it does next: what a hint says, or what its sweeper finds."""
        rng, hints = self.world.rng, self.there.hints
        actor = rng.choice(idle)
        waiting = self._waiting(self.there.clocks[actor.name].shows())
        if hints and rng.random() < 0.5:
            verb, lane = hints.pop(rng.randrange(len(hints)))
            if verb in waiting or rng.random() < 0.2:  # that one finds nothing is cheap to see, and dear to run
                return actor, verb, lane
        return (actor, rng.choice(waiting), None) if waiting else None

    def _waiting(self, now: datetime) -> list[str]:
        """The verbs that would find something by then."""
        at = now.strftime(STORED)
        found = self.there.database.raw.execute(WORK, {"now": at, "real": at}).fetchone()
        return [verb for verb in VERBS if found[verb]]

    def _start(self, actor: Actor, verb: str, lane: int | None) -> None:
        before = self.there.watch.fruit
        self.there.do(actor, verb, partial(VERBS[verb], self.there.apps[actor.name], lane))
        if self.there.watch.fruit != before:
            self._fruitless = 0
        elif not actor.doing:
            self._fruitless += 1  # what is due may be held back by an account: let some time go by
            self.world.t += min(2.0**self._fruitless, 600.0)

    def _next(self) -> float | None:
        """When something happens next, by the true time; None when nothing will."""
        there = self.there
        moments = [self.outside.next.at] if self.outside.next else []
        moments += [actor.until for actor in there.actors if actor.doing]
        least = min(clock.wrong for clock in there.clocks.values())
        for at in (there.database.one(NEXT), there.database.one(ASKED, len(there.system.listed))):
            if at:
                moments.append((datetime.fromisoformat(f"{at}+00:00") - START - least).total_seconds())
        return min(moments, default=None)

    def _wait(self) -> None:
        """Nobody can do anything now."""
        world = self.world
        gone = [actor.until for actor in self.there.actors if actor.until > world.t]
        at = self._next()
        moments = [one for one in (*gone, at) if one is not None and one > world.t]
        world.t = min(moments) + 0.01 if moments else world.t + 1.0

    def _heal(self) -> None:
        """No more faults: who slept goes on, who was gone comes back, everything is brought until it is taken."""
        world, there = self.world, self.there
        if world.wrong:
            return
        world.calm = True
        world.note("--- healing")
        for actor in there.actors:
            if actor.doing:
                there.resume(actor)
        for clock in there.clocks.values():
            clock.wrong = timedelta(0)
        self.outside.calm_down()
        for _, journey in list(there.watch.pauses):
            self.outside.resume(journey)
        end = world.t + HEALED
        while not world.wrong:
            self._work()
            at = self._next()
            if at is None:
                return
            if world.t > end:
                world.blame("P5", "something waits for ever")
                return
            world.t = max(at, world.t) + 0.01

    def _work(self) -> None:
        """Whatever is waiting or due by now; what comes from outside goes first."""
        there, one = self.there, self.there.actors[:1]
        while True:
            while (due := self.outside.next) and due.at <= self.world.t:
                self._happen(one)
            before, waiting = there.watch.fruit, self._waiting(there.now)
            for verb in waiting:
                there.do(one[0], verb, partial(VERBS[verb], there.apps[one[0].name], None))
            if not waiting:
                return
            if there.watch.fruit == before:
                self.world.t += 60.0
                return
