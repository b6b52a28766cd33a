"""What a fault finds when it strikes: the installation, its servers, the shop, the receiver."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.rig.shop import Shop
from tests.rig.site import Site
from tests.rig.stores import Reader, Store, StoreName


class Receiver(Protocol):
    """Whoever takes the messages, and is believed about what has left."""

    remembers: bool  # does it know a key again and take a message once?
    losing: float  # this share of what it takes is not answered
    slow: float  # seconds from taking a message to the answer
    lost: int  # answers that were not given

    @property
    def settings(self) -> list[str]:
        """What a connection to it is told, as key=value."""

    @property
    def accepted(self) -> Counter[str]:
        """Our message ids -> how often their message was taken."""

    @property
    def texts(self) -> Counter[tuple[str, str]]:
        """(address, what the message says) -> how often somebody was told so, whatever its id."""


@dataclass(kw_only=True)
class Scene:
    """`home`, `env` and `url` may be changed by a fault's `around`, before anything is started."""

    store: Store
    folder: Path
    home: Path
    url: str
    seconds: float  # that the shop takes for its story
    orders: int
    chance: random.Random
    env: dict[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    site: Site = field(init=False)
    shop: Shop = field(init=False)
    receiver: Receiver = field(init=False)
    reader: Reader = field(init=False)
    prepared: Any = None  # what the fault's `around` gave
    answers: set[int] = field(default_factory=lambda: {0, 200, 202, 503})  # to be expected; 0: none at all
    strikes: int = 0
    more_orders: int = 0  # that the fault told of besides, and their parcels
    more_parcels: int = 0
    wrong: list[str] = field(default_factory=list)  # what went against a promise, in words

    def while_busy(self, least: float, most: float, *, strikes: int = 0) -> Iterator[float]:
        """Again and again after a pause between these seconds, as long as the shop has something to tell; on a slow
        machine, where all the rest is slow too, until there were so many strikes. Gives the seconds that are left."""
        end = time.monotonic() + self.seconds
        while (now := time.monotonic()) < end or (self.strikes < strikes and now < end + 10 * self.seconds):
            time.sleep(self.chance.uniform(least, most))
            yield end - time.monotonic()


def nothing(_: Scene) -> AbstractContextManager[object]:
    """Nothing has to be prepared."""
    return nullcontext()


def nothing_more(_: Scene) -> None:
    """What holds for every fault is enough."""


def possible() -> str:
    """It can be done on every machine."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row of the table. `strike` returns when all is mended again; whatever is wrong then it adds to the scene.

    `around` prepares it and takes it away again. `settings` are the installation's; `processes` takes the place of
    the store's own on SQLite. `refused` says why it cannot be done on this machine, or "". `settled` looks at what
    has to hold in the end besides. `losing` is the share of messages whose answer the receiver loses,
    `slow` the seconds that it takes to answer after it has taken one.
    """

    name: str
    says: str
    strike: Callable[[Scene], None]
    stores: tuple[StoreName, ...] = ("sqlite", "postgres", "postgres+redis", "postgres+rabbitmq")
    settings: Mapping[str, object] = field(default_factory=dict)
    processes: tuple[str, ...] = ("up",)
    around: Callable[[Scene], AbstractContextManager[object]] = nothing
    refused: Callable[[], str] = possible
    settled: Callable[[Scene], None] = nothing_more
    losing: float = 0.0
    slow: float = 0.0
    may_doubt: bool = True  # may messages end `unknown`?
