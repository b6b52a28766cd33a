"""Some processes over one database and one provider, on a stage where they take turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from multiprocessing.util import Finalize
from traceback import format_exception

from sqlalchemy.exc import OperationalError

import connectors
from engine.config import Settings
from engine.contracts import Source
from engine.flow.app import App
from engine.flow.beside import Helpers
from engine.model.merchant import MerchantSettings
from engine.store import hooks, merchants
from engine.store.merchants import Connection
from tests.flow.house import texts
from tests.simulator.database import Database, Process
from tests.simulator.endpoint import Endpoint
from tests.simulator.intake import SHOP, SimulatedIntake
from tests.simulator.journeys import journeys
from tests.simulator.provider import Provider, channel
from tests.simulator.stage import Actor, Killed
from tests.simulator.system import API, System
from tests.simulator.watch import Watch
from tests.simulator.weather import KINDS
from tests.simulator.world import START, Gone, WorkerClock, World


@cache
def database() -> Database:
    """The database of this process, with the merchant "hana", a shop that tells and a provider that carries."""
    made = Database()
    settings = MerchantSettings(
        from_email="shop@hana.example",
        address="東京都",
        company="花と器株式会社",
        support_email="help@hana.example",
    )
    with made.store.begin() as tx:
        owner = merchants.add(tx, slug="hana", name="花と器", settings=settings, now=START)
        assert owner.id == SHOP.merchant
        mail = Connection(id="mail", merchant=owner.id, connector="park", role="channel", name="mail")
        for connection in (SHOP, mail):
            merchants.connect(tx, connection, START)
    # atexit would not do: processes of a pool leave without it.
    Finalize(None, made.close, exitpriority=1)
    return made


HOOK = "https://erp.example/todoke"


@cache
def source(name: str) -> Source:
    """Our own way in, whose system can be asked, too."""
    return replace(connectors.source(name), api=API)


class SimulatedHints:
    """The broker: loses hints, doubles them, and gives them to whoever comes, in any order."""

    def __init__(self, world: World, waiting: list[tuple[str, int | None]]) -> None:
        self._world, self._waiting = world, waiting

    def observe(self) -> None:
        self._hint("observe", None)

    def ask(self) -> None:
        self._hint("ask", None)

    def call(self) -> None:
        self._hint("call", None)

    def deliver(self, lane: int = 0) -> None:
        self._hint("deliver", lane)

    def _hint(self, verb: str, lane: int | None) -> None:
        weather, rng = self._world.weather, self._world.rng
        if self._world.calm or rng.random() < weather.hints_lost:
            return
        self._waiting += [(verb, lane)] * (2 if rng.random() < weather.hints_doubled else 1)


class Installation:
    """What runs, and what it runs on."""

    def __init__(self, world: World, chosen: frozenset[str]) -> None:
        self.world = world
        self.database = database()
        self.database.empty()
        self.database.raw.execute("UPDATE connection SET connector = ? WHERE id = 'mail'", (world.weather.kind,))
        self.merchant = SHOP.merchant or 0
        self.journeys = journeys(world.weather.kind, chosen)
        self.provider = Provider(world=world)
        self.endpoint = self.provider.endpoint = Endpoint(world=world, database=self.database)
        if world.weather.hooked:
            with self.database.store.begin() as tx:
                hooks.add(tx, merchant=self.merchant, url=HOOK, events=(), secret=hooks.new_secret(), real=START)
        self.hints: list[tuple[str, int | None]] = []
        self.actors = [Actor(world.stage, f"w{n + 1}") for n in range(world.weather.workers)]
        self.clocks = {actor.name: WorkerClock(world) for actor in self.actors}
        self.watch = Watch(world=world, database=self.database, clocks=self.clocks)
        self.provider.on_start.append(self.watch.started)
        self.system = System(world=world, listed=self.watch.listed)
        self.provider.ask = self.system.ask
        self.operator = self._process()
        stores = {actor.name: self._process() for actor in self.actors}
        self.apps = {actor.name: self._app(actor, stores[actor.name]) for actor in self.actors}
        self.intakes = {name: SimulatedIntake(app, stores[name]) for name, app in self.apps.items()}

    @property
    def now(self) -> datetime:
        """The true time."""
        return START + timedelta(seconds=self.world.t)

    def _process(self) -> Process:
        return Process(self.database, self.world, self.watch.committed)

    def _app(self, actor: Actor, store: Process) -> App:
        kinds = {kind: channel(kind) for kind in KINDS}
        return App(
            settings=Settings(), store=store, clock=self.clocks[actor.name], sources=source,
            channels=lambda name: kinds.get(name) or connectors.channel(name),
            source_names=tuple(connectors.SOURCES), channel_names=KINDS, journeys=self.journeys,
            templates=texts()[1], post=self.provider, chance=self.world.rng.random,
            hints=SimulatedHints(self.world, self.hints), helpers=Helpers(0),
        )  # fmt: skip

    def do(self, actor: Actor, doing: str, job: Callable[[], object]) -> None:
        """Give an idle actor a job, and its turn."""
        actor.begin(doing, job)
        self.resume(actor)

    def resume(self, actor: Actor) -> None:
        """Let an actor go on until it waits, ends or dies."""
        doing = actor.doing
        self.world.stage.resume(actor)
        if actor.doing:
            return
        match actor.ended:
            case "":
                pass
            case Killed():
                self.world.note(f"{actor.name} is gone while it did {doing}")
            case failed:
                self._failed(actor, doing, failed)

    def _failed(self, actor: Actor, doing: str, failed: BaseException | None) -> None:
        """Workers log what fails and go on; only what the simulator broke may fail."""
        if isinstance(failed, OperationalError) and isinstance(failed.orig, Gone):
            self.world.note(f"{actor.name} gives up {doing}: the database was away")
        else:
            self.world.blame("bug", f"{doing} raised\n{''.join(format_exception(failed))}")

    def kill(self, actor: Actor) -> None:
        """The process is gone, in the middle of what it did."""
        self.world.crashes += 1
        actor.doomed = True
        self.resume(actor)

    def close(self) -> None:
        """End every thread, whatever it was in the middle of."""
        for actor in self.actors:
            if actor.doing:
                self.kill(actor)
            actor.close()
        for intake in self.intakes.values():
            intake.gone()
