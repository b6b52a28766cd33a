"""The one true time, who is running, and the seams at which the plan decides what happens next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from sqlalchemy.exc import OperationalError

from tests.simulator.stage import Actor, Killed, Stage
from tests.simulator.weather import Weather

START = datetime(2026, 4, 8, 1, 0, tzinfo=UTC)  # ten in the morning in Tokyo


class Gone(Exception):
    """What a driver raises when the server has closed the connection: it names no error."""


class Plan(Protocol):
    """Who goes on, and what breaks."""

    def at(self, world: World, actor: Actor, seam: str) -> str:
        """What happens at the seam: "go", "switch", "crash", "broken", or "stop <seconds>"."""

    def leap(self, world: World, actor: Actor) -> float:
        """Seconds for which the process stood still before it read the clock."""


class Chance:
    """The plan of a seed: everything by its weather."""

    def at(self, world: World, actor: Actor, seam: str) -> str:
        weather, rng = world.weather, world.rng
        drawn = rng.random()
        if seam in {"begin", "committed"} and drawn < weather.broken:
            return "broken"
        for what in ("crash", "stop", "switch"):
            drawn = rng.random()
            if drawn < getattr(weather, what):
                return f"stop {rng.choice((3, 30, 70, 200))}" if what == "stop" else what
        return "go"

    def leap(self, world: World, actor: Actor) -> float:
        if world.weather.leap and world.rng.random() < world.weather.leap:
            return world.rng.choice((2.0, 6.0, 40.0, 90.0))
        return 0.0


class World:
    """Time and chance. `calm` from the moment of healing on: nothing breaks any more."""

    def __init__(self, seed: int | str, weather: Weather, plan: Plan | None = None) -> None:
        self.rng = Random(seed)
        self.weather = weather
        self.plan: Plan = plan or Chance()
        self.stage = Stage()
        self.t = 0.0  # seconds since START, really
        self.calm = False
        self.writer: Actor | None = None  # whose transaction is open
        self.steps = self.crashes = 0
        self.trace: list[tuple[float, str, str]] = []
        self.wrong: list[str] = []  # promises that were broken, in words

    def note(self, what: str) -> None:
        """A line of the trace."""
        actor = self.stage.current
        self.trace.append((self.t, actor.name if actor else "", what))

    def blame(self, promise: str, what: str) -> None:
        """A promise was broken."""
        self.wrong.append(f"{promise}: {what}")
        self.note(f"!!! {promise}: {what}")

    def pass_time(self, most: float) -> None:
        """A little time, as things take it."""
        self.t += self.rng.random() * most

    def seam(self, name: str) -> None:
        """A place where others may come in between, and where a process may die. Raises Killed, or what a
        broken connection raises."""
        actor = self.stage.current
        if actor is None or self.calm:
            return
        self.steps += 1
        self.pass_time(0.1)
        what = self.plan.at(self, actor, name)
        if what == "go" or (what == "switch" and name == "commit"):  # who waits for a writer has not begun
            return
        if what != "switch":
            self.note(f"{actor.doing}: {what} at {name}")
        match what.split():
            case ["switch"]:
                actor.wait()
            case ["stop", seconds] if name == "commit":
                self.t += float(seconds)
            case ["stop", seconds]:
                actor.until = self.t + float(seconds)
                actor.wait()
            case ["crash"]:
                self.crashes += 1
                actor.until = self.t + self.rng.choice((1, 10, 61, 300))
                raise Killed
            case ["broken"]:
                raise OperationalError("", {}, Gone("the server closed the connection"))
            case _:
                raise ValueError(what)

    def sleep(self, _seconds: float) -> None:
        """Stands for time.sleep. How long is ours to say: the store draws its jitter where no seed reaches."""
        self.pass_time(1.0)
        self.seam("sleep")


class WorkerClock:
    """The clock of one machine: the true time, and by how much it is wrong."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.wrong = timedelta(0)

    def now(self) -> datetime:
        return self._read()

    def real(self) -> datetime:
        return self._read()

    def monotonic(self) -> float:
        self._stand_still()
        return self._world.t

    def shows(self) -> datetime:
        """What it shows; looking at it from outside costs no time."""
        return START + timedelta(seconds=self._world.t) + self.wrong

    def _read(self) -> datetime:
        self._stand_still()
        return self.shows()

    def _stand_still(self) -> None:
        world, actor = self._world, self._world.stage.current
        if actor is None or world.calm:
            return
        world.t += 0.01
        if leap := world.plan.leap(world, actor):
            world.note(f"{actor.doing}: stands still for {leap:g} s")
            world.t += leap
