"""What the intake turns away: counted, and written down now and then. A stranger who posts nonsense makes us write
once in a while, however much of it there is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import structlog

from engine.flow.app import App
from engine.flow.ask.plan import ask_for_keys
from engine.store import merchants
from engine.store.merchants import Connection

log = structlog.get_logger(__name__)
NOTED = 10.0  # seconds for which counts are gathered
AGAIN = 60.0  # seconds from one question for a source's keys to the next, however many deliveries do not fit them
FRESH = timedelta(minutes=5)  # keys that were asked for since then are not what is wrong


class TurnedAway:
    """For one event loop."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._refused: Counter[str] = Counter()
        self._noting: asyncio.TimerHandle | None = None
        self._asked: dict[str, float] = {}  # connection -> when its source was asked for keys

    def refused(self, connection: str) -> None:
        """A delivery of this connection, which there is, did not fit its signature."""
        self._refused[connection] += 1
        if self._noting is None:
            self._noting = asyncio.get_running_loop().call_later(NOTED, self._note)

    def stale(self, connection: Connection, key: str | None = None) -> None:
        """The keys by which a delivery was judged may have changed: ask for them, beside this request; for the `key`
        that the delivery names, where it names one."""
        now = self._app.clock.monotonic()
        if now < self._asked.get(connection.id, float("-inf")) + AGAIN:
            return
        self._asked[connection.id] = now
        not_since = self._app.clock.real() - FRESH
        self._beside(lambda: ask_for_keys(self._app, connection, key, not_since=not_since))

    def close(self) -> None:
        """Write down what has gathered."""
        if self._noting is not None:
            self._noting.cancel()
        self._save()

    def _note(self) -> None:
        self._noting = None
        self._beside(self._save)

    def _beside(self, work: Callable[[], object]) -> None:
        asyncio.get_running_loop().run_in_executor(None, _quietly, work)

    def _save(self) -> None:
        counts, self._refused = self._refused, Counter()
        if not counts:
            return
        try:
            with self._app.store.begin() as tx:
                merchants.refused(tx, counts, self._app.clock.real())
        except Exception:
            self._refused.update(counts)
            raise


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as failed:
        log.warning("intake.not_noted", error=type(failed).__name__)
