"""T1 as a process does it: the real group commit, without its thread, for requests that wait for an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from engine.contracts import Verified
from engine.flow.accept import raw_delivery
from engine.flow.app import App
from engine.flow.intake import Intake
from engine.store.chute import Chute, Packed
from engine.store.merchants import Connection
from tests.simulator.database import Process
from tests.simulator.stories import Told

SHOP = Connection(id="shop", merchant=1, connector="standard", role="source", name="shop")


class Answer:
    """A request that waits: 2xx once there is a result, 503 when there is an exception. It is its own loop."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._over = False

    def get_loop(self) -> Answer:
        return self

    def call_soon_threadsafe(self, call: Callable[..., None], *given: Any) -> None:
        call(*given)

    def done(self) -> bool:
        return self._over

    def set_result(self, _: None) -> None:
        self._over = self._told.acknowledged = True

    def set_exception(self, _: Exception) -> None:
        self._over = True


class SeamedChute(Chute):
    """The chute into the inbox, with seams around its commit."""

    def __init__(self, process: Process) -> None:
        super().__init__(process)
        self._process = process

    def put(self, deliveries: Sequence[Packed]) -> None:
        with self._process.alone():
            super().put(deliveries)


class SimulatedIntake(Intake):
    """Its turn comes when somebody brings something."""

    def __init__(self, app: App, process: Process) -> None:
        self._app, self._chute = app, SeamedChute(process)
        self._heard: dict[str, datetime] = {}

    def take(self, told: Sequence[Told]) -> None:
        """Store what has gathered in one commit, and answer."""
        headers = {"content-type": "application/json"}
        group: list[Any] = []
        for one in told:
            verified = Verified(by="simulator", key=one.key)
            raw = raw_delivery(self._app, SHOP, one.body, headers, verified, backfill=one.backfill)
            group.append((raw, self._chute.pack(raw), Answer(one)))
        self._store(group)
        self._hint()
        self._note({SHOP.id})

    def gone(self) -> None:
        """The process is gone, and its connection with it."""
        self._chute.close()
