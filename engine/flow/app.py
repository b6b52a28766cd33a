"""App: what every verb is handed. Built once per process by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Protocol, runtime_checkable

from engine.config import Settings
from engine.contracts import Answer, Channel, Failure, HttpRequest, Request, Source
from engine.flow.beside import Helpers
from engine.flow.turns import Lines
from engine.io.clock import Clock
from engine.model.journey import Journey
from engine.rules.content import CompiledTemplate
from engine.store.merchants import Connection
from engine.store.session import Store
from engine.store.volumes import Usual


class Hints(Protocol):
    """Wake-ups for workers. A hint may be lost, doubled or late: the sweeper finds what it left."""

    def observe(self) -> None:
        """Deliveries are waiting in the inbox."""

    def deliver(self, lane: int = 0) -> None:
        """Messages are due in that lane; whoever looks into lane 0 also hints at lane 1."""

    def ask(self) -> None:
        """There is something to ask of the systems behind connections."""

    def tell(self) -> None:
        """There are alarms to tell."""

    def call(self) -> None:
        """There are events to tell endpoints."""


class NoHints:
    """Nobody to wake: commands that do the work themselves."""

    def observe(self) -> None:
        return

    def deliver(self, lane: int = 0) -> None:
        return

    def ask(self) -> None:
        return

    def tell(self) -> None:
        return

    def call(self) -> None:
        return


class Machine(Protocol):
    """Knows user agents of scanners and image proxies."""

    def __call__(self, agent: object, *, after: timedelta | None = None) -> bool:
        """Was it a machine, by its user agent and how soon it came after the message had left?"""


def nobody_known(agent: object, *, after: timedelta | None = None) -> bool:
    """Whoever comes is believed to be a person."""
    return False


class Post(Protocol):
    """Carries a request over the transport of its connection."""

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        """Hand the request over; the answer, or what was met instead of one."""

    def ask(self, connection: str, request: HttpRequest, settings: Mapping[str, str]) -> Answer | Failure:
        """Ask the system behind a connection (its id); `settings` fill the request's `auth`."""


@runtime_checkable
class SideBySide(Protocol):
    """A post that can have many requests of one thread under way."""

    def start(self, account: str, request: HttpRequest, settings: Mapping[str, str]) -> Future[Answer | Failure]:
        """Hand a request over without waiting; `account` names whose connections are used, `settings` fill it."""


@dataclass(kw_only=True)
class App:
    """The parts of a running installation."""

    settings: Settings
    store: Store
    clock: Clock
    sources: Callable[[str], Source]
    channels: Callable[[str], Channel]
    source_names: tuple[str, ...]
    channel_names: tuple[str, ...]
    journeys: Mapping[str, Journey]
    templates: Mapping[str, CompiledTemplate]
    post: Post
    chance: Callable[[], float]  # a random number in [0, 1) for jitter
    machine: Machine = nobody_known
    hints: Hints = field(default_factory=NoHints)
    helpers: Helpers = field(default_factory=Helpers)
    ending: Event = field(default_factory=Event)  # this process is about to end: nothing long is begun
    lines: Lines = field(init=False)  # who waits for their turn in this process
    # What this process need not ask again for a while: `limits.room` (merchant -> until when) and `limits.fuse`
    # ((merchant, journey) -> the hour, and what was usual before it).
    unlimited: dict[int, float] = field(default_factory=dict)
    called: str = ""  # the endpoint that was told of events last: they take turns
    usual: dict[tuple[int, str], tuple[datetime, Usual]] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)  # `limits.batch_size`: connection -> as it went so far

    def __post_init__(self) -> None:
        self.lines = Lines(self.clock.monotonic, self.chance)
        self.store.on_calls = lambda: self.hints.call()  # whichever hints there are by then
