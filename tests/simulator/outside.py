"""What comes from outside: deliveries, receipts, customers, operators, and whoever sets clocks and pulls plugs."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from engine.contracts import Receipt
from engine.flow import unsubscribe
from engine.flow.app import App
from engine.store import messages, people
from engine.store.people import Link
from tests.simulator.installation import Installation
from tests.simulator.stage import Actor
from tests.simulator.stories import DAY, HOUR, MINUTE, Story, Told
from tests.simulator.world import START

RECEIPTS = ("sent", "delivered", "opened", "clicked")
NO_ORDER = -1


@dataclass(order=True)
class Happening:
    """Something from outside, at its time. A person or a sender tries again until it is done."""

    at: float
    n: int
    name: str = field(compare=False)
    told: Told | None = field(compare=False, default=None)  # a delivery
    job: Callable[[App], object] | None = field(compare=False, default=None)  # a worker does it
    act: Callable[[], None] | None = field(compare=False, default=None)  # it simply happens


class Outside:
    """Happenings in the order of their times."""

    def __init__(self, there: Installation, story: Story) -> None:
        self._there, self._world, self._story = there, there.world, story
        self._waiting: list[Happening] = []
        self._count = count()
        there.provider.on_accept.append(self._receipt)

    @property
    def next(self) -> Happening | None:
        """The one that comes next."""
        return self._waiting[0] if self._waiting else None

    def take(self) -> list[Happening]:
        """The next one; a delivery with all that have gathered behind it by now."""
        group = [heapq.heappop(self._waiting)]
        while group[0].told and (one := self.next) and one.told and one.at <= self._world.t:
            group.append(heapq.heappop(self._waiting))
        return group

    def again(self, one: Happening) -> None:
        """Whoever was not answered tries again."""
        one.at = self._world.t + self._world.rng.choice((1.0, 60.0, 600.0))
        heapq.heappush(self._waiting, one)

    def calm_down(self) -> None:
        """Nobody does harm any more."""
        self._waiting = [one for one in self._waiting if one.act is None]
        heapq.heapify(self._waiting)

    def later(self, at: float, name: str, job: Any = None, act: Any = None) -> None:
        """Something will happen."""
        heapq.heappush(self._waiting, Happening(at, next(self._count), name, None, job, act))

    def bring(self, told: Told) -> None:
        """A delivery will be brought, again and again until it is acknowledged."""
        heapq.heappush(self._waiting, Happening(told.brought, next(self._count), "delivery", told=told))

    def _receipt(self, name: str) -> None:
        """The provider will say what became of a message it took."""
        rng = self._world.rng
        if rng.random() < 0.5:
            return
        bad = rng.random() < self._world.weather.bad_receipts
        status: Any = rng.choice(("bounced", "complained")) if bad else rng.choice(RECEIPTS)
        at = self._world.t + rng.choice((0.1, 5.0, 2 * HOUR))
        said = Receipt(message=name, as_of=START + timedelta(seconds=at), status=status)
        self.bring(Told(order=NO_ORDER - next(self._count), seen=said, so=at, brought=at))

    def leave(self, order: int) -> Callable[[App], object]:
        """The customer follows the link in the newest message about the order, if there is one."""

        def job(app: App) -> None:
            row = self._there.database.rows(
                "SELECT m.id, m.subject_id FROM message m JOIN subject s ON s.id = m.subject_id"
                " WHERE s.number = ? AND m.purpose IN ('service', 'promotional') ORDER BY m.id LIMIT 1",
                str(1001 + order),
            )
            if row:
                link = Link(kind="unsubscribe", merchant=self._there.merchant, subject=row[0][1], message=row[0][0])
                unsubscribe.unsubscribe(app, link)

        return job

    def pause(self, journey: str | None) -> None:
        with self._there.operator.begin() as tx:
            people.pause(tx, merchant=None, journey=journey, reason="simulated", now=self._there.now)
        self._world.note(f"an operator pauses {journey or 'everything'}")

    def resume(self, journey: str | None) -> None:
        with self._there.operator.begin() as tx:
            people.resume(tx, merchant=None, journey=journey)
            messages.resumed(tx, self._there.now, merchant=None, journey=journey)
        self._world.note(f"an operator resumes {journey or 'everything'}")

    def jump(self, actor: Actor, seconds: float) -> None:
        self._there.clocks[actor.name].wrong += timedelta(seconds=seconds)
        self._world.note(f"the clock of {actor.name} jumps by {seconds:g} s")

    def outage(self, until: float) -> None:
        """Every process is gone, until somebody starts them again."""
        self._world.note(f"everything is down until {until:.0f}")
        for actor in self._there.actors:
            actor.until = until
            if actor.doing:
                self._there.kill(actor)

    def prepare(self) -> None:
        """Draw what will come from outside."""
        world, weather, rng = self._world, self._world.weather, self._world.rng
        for told in self._story.told:
            if weather.polled and not told.backfill and rng.random() < weather.polled:
                self.later(told.brought, "record", partial(self._there.system.lists, told))
            else:
                self.bring(told)
        for at, order in self._story.leavers:
            self.later(at, "unsubscribe", self.leave(order))
        for clock in self._there.clocks.values():
            clock.wrong = timedelta(seconds=rng.uniform(-weather.skew, weather.skew))
        last = max((told.brought for told in self._story.told), default=0.0)
        for _ in range(weather.storms):
            start = rng.random() * last
            self._there.provider.storms.append((start, start + rng.choice((30 * MINUTE, 3 * HOUR, 30 * HOUR))))
        for _ in range(weather.outages):
            start = rng.random() * last
            self.later(start, "outage", act=partial(self.outage, start + rng.choice((HOUR, 26 * HOUR, 3 * DAY))))
        for _ in range(weather.pauses):
            start, journey = rng.random() * last, rng.choice((None, "shipped", "order_confirmed", "delivered"))
            self.later(start, "pause", act=partial(self.pause, journey))
            self.later(start + rng.choice((MINUTE, HOUR, 2 * DAY)), "resume", act=partial(self.resume, journey))
        for _ in range(weather.jumps):
            actor, by = rng.choice(self._there.actors), rng.choice((HOUR, -HOUR, 3 * DAY))
            start = rng.random() * last
            self.later(start, "jump", act=partial(self.jump, actor, by))
            self.later(start + rng.choice((MINUTE, HOUR, DAY)), "jump", act=partial(self.jump, actor, -by))
        world.note(f"{weather}")
