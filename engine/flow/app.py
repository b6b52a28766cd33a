"""App: what every verb is handed. Built once per process by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from engine.config import Settings
from engine.contracts import Answer, Channel, Failure, Request, Source
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


class NoHints:
    """Nobody to wake: commands that do the work themselves."""

    def observe(self) -> None:
        return

    def deliver(self, lane: int = 0) -> None:
        return


class Post(Protocol):
    """Carries a request over the transport of its connection."""

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        """Hand the request over; the answer, or what was met instead of one."""


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
    hints: Hints = field(default_factory=NoHints)
    helpers: Helpers = field(default_factory=Helpers)
    lines: Lines = field(init=False)  # who waits for their turn in this process
    # What this process need not ask again for a while: `limits.room` (merchant -> until when) and `limits.fuse`
    # ((merchant, journey) -> the hour, and what was usual before it).
    unlimited: dict[int, float] = field(default_factory=dict)
    usual: dict[tuple[int, str], tuple[datetime, Usual]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lines = Lines(self.clock.monotonic, self.chance)
