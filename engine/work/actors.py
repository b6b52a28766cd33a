"""Dramatiq actors, one line each: they carry no data, and whoever comes too late finds nothing to do.

Every class of work has a queue and threads of its own (`crew`), so that none of it waits behind another.
"""

from __future__ import annotations

from collections.abc import Callable

import dramatiq
import structlog

from engine.flow.app import App
from engine.flow.ask.errand import ask
from engine.flow.call import call
from engine.flow.observe import observe
from engine.flow.send import deliver
from engine.flow.watch.alert import tell
from engine.io.metrics import HINTS
from engine.model.consent import LANES
from engine.work.broker import crosses_processes
from engine.work.hints import Elsewhere, Here

log = structlog.get_logger(__name__)
LONGEST = 1.0  # seconds of one actor's work, then another kind has the thread if it waits for it


class BrokerHints:
    """Implements `flow.app.Hints` over a Dramatiq broker, with the actors that answer the hints."""

    def __init__(self, app: App, broker: dramatiq.Broker) -> None:
        self._clock = app.clock
        self._hints = (Elsewhere if crosses_processes(app.settings.broker_url) else Here)(self._send)

        @dramatiq.actor(broker=broker, actor_name="observe", queue_name="intake")
        def intake() -> None:
            self._drain("intake", lambda: observe(app), lambda: app.lines.deliveries.wants_help)

        @dramatiq.actor(broker=broker, actor_name="deliver", queue_name="transactional")
        def transactional() -> None:
            self._drain("transactional", lambda: deliver(app, 0), lambda: app.lines.lanes[0].wants_help)

        @dramatiq.actor(broker=broker, actor_name="deliver_service", queue_name="service")
        def service() -> None:
            self._drain("service", lambda: deliver(app, 1), lambda: app.lines.lanes[1].wants_help)

        @dramatiq.actor(broker=broker, actor_name="ask", queue_name="outbound")
        def asking() -> None:
            self._drain("ask", lambda: ask(app), lambda: app.lines.errands.wants_help)

        @dramatiq.actor(broker=broker, actor_name="tell", queue_name="outbound")
        def telling() -> None:
            self._drain("tell", lambda: tell(app), lambda: False)

        @dramatiq.actor(broker=broker, actor_name="call", queue_name="outbound")
        def calling() -> None:
            self._drain("call", lambda: call(app), lambda: False)

        self._actors = {
            "intake": intake, "transactional": transactional, "service": service, "ask": asking, "tell": telling,
            "call": calling,
        }  # fmt: skip

    def observe(self) -> None:
        """Deliveries are waiting in the inbox."""
        self._hints.give("intake")

    def deliver(self, lane: int = 0) -> None:
        """Messages are due in that lane."""
        self._hints.give(LANES[lane])

    def ask(self) -> None:
        """There is something to ask of the systems behind connections."""
        self._hints.give("ask")

    def tell(self) -> None:
        """There are alarms to tell."""
        self._hints.give("tell")

    def call(self) -> None:
        """There are events to tell endpoints."""
        self._hints.give("call")

    def close(self) -> None:
        """Take no more hints and wait until the last has left: a broker is closed when nobody speaks to it."""
        self._hints.close()

    def _send(self, kind: str) -> bool:
        try:
            self._actors[kind].send()
        except Exception as lost:
            HINTS.add(kind, "lost")
            log.warning("hint.lost", kind=kind, error=type(lost).__name__)
            return False
        HINTS.add(kind, "sent")
        return True

    def _drain(self, kind: str, work: Callable[[], int], wants_help: Callable[[], bool]) -> None:
        """Work until there is nothing left, or long enough; where more waits than a batch others help."""
        self._hints.taken_up(kind)
        until = self._clock.monotonic() + LONGEST
        while work() > 0:
            if wants_help():
                self._hints.give(kind)
            if self._clock.monotonic() > until:
                self._hints.give(kind)
                return
