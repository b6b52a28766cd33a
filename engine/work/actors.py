"""Dramatiq actors, one line each: they carry no data, and whoever comes too late finds nothing to do.

At most one hint of a kind is outstanding: a second one would say nothing new. A hint that nobody has taken
up after `BELIEVED` seconds counts as lost. Where workers are other processes, hints are gathered for a moment.
"""

from __future__ import annotations

from collections.abc import Callable

import dramatiq
import structlog

from engine.flow.app import App
from engine.flow.observe import observe
from engine.flow.send import AT_ONCE, deliver
from engine.work.broker import crosses_processes

log = structlog.get_logger(__name__)
BELIEVED = 2.0  # seconds, where the hint stays in this process and is noticed when it is taken up
GATHERED = 0.05  # seconds, where another process takes it up and nobody tells us
LONGEST = 60.0  # seconds of one actor's work; far below Dramatiq's time limit, which would end a send half-way


class BrokerHints:
    """Implements `flow.app.Hints` over a Dramatiq broker, with the actors that answer the hints."""

    def __init__(self, app: App, broker: dramatiq.Broker) -> None:
        self._clock = app.clock
        self._believed = {"observe": 0.0, "deliver": 0.0}  # until when a hint counts as outstanding
        self._elsewhere = crosses_processes(app.settings.broker_url)

        @dramatiq.actor(broker=broker, actor_name="observe", queue_name="intake")
        def observe_hint() -> None:
            self._drain("observe", lambda: observe(app), app.settings.batch)

        @dramatiq.actor(broker=broker, actor_name="deliver", queue_name="messages")
        def deliver_hint() -> None:
            self._drain("deliver", lambda: deliver(app), min(app.settings.batch, AT_ONCE))

        self._actors = {"observe": observe_hint, "deliver": deliver_hint}

    def observe(self) -> None:
        """Deliveries are waiting in the inbox."""
        self._hint("observe")

    def deliver(self) -> None:
        """Messages are due."""
        self._hint("deliver")

    def _hint(self, kind: str) -> None:
        if self._clock.monotonic() < self._believed[kind]:
            return
        self._believed[kind] = self._clock.monotonic() + (GATHERED if self._elsewhere else BELIEVED)
        try:
            self._actors[kind].send()
        except Exception as lost:
            # A broker that is away is not asked again at once: that would hold up whoever has something to tell.
            self._believed[kind] = self._clock.monotonic() + (BELIEVED if self._elsewhere else 0.0)
            log.warning("hint.lost", kind=kind, error=type(lost).__name__)

    def _drain(self, kind: str, work: Callable[[], int], batch: int) -> None:
        """Work until there is nothing left, or long enough; a full batch calls another thread to help."""
        self._believed[kind] = 0.0
        until = self._clock.monotonic() + LONGEST
        while (done := work()) > 0:
            if done >= batch:
                self._hint(kind)
            if self._clock.monotonic() > until:
                self._hint(kind)
                return
