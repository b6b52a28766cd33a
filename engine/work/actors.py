"""Dramatiq actors, one line each: they carry no data, and whoever comes too late finds nothing to do.

Every class of work has a queue and threads of its own (`crew`), so that none of it waits behind another. At most one
hint of a kind is outstanding: a second one would say nothing new. A hint that nobody has taken up after `BELIEVED`
seconds counts as lost. Where workers are other processes, hints are gathered for a moment, after which one more tells
of what came meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Timer

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
from engine.work.broker import PATIENCE, crosses_processes

log = structlog.get_logger(__name__)
BELIEVED = 2.0  # seconds, where the hint stays in this process and is noticed when it is taken up
GATHERED = 0.05  # seconds, where another process takes it up and nobody tells us
LONGEST = 1.0  # seconds of one actor's work, then another kind has the thread if it waits for it


class BrokerHints:
    """Implements `flow.app.Hints` over a Dramatiq broker, with the actors that answer the hints."""

    def __init__(self, app: App, broker: dramatiq.Broker) -> None:
        self._clock = app.clock
        self._believed = dict.fromkeys(
            ("intake", *LANES, "ask", "tell", "call"), 0.0
        )  # until when a hint counts as outstanding
        self._owed = set[str]()  # kinds of which one hint was kept back until the moment is over
        self._state = Condition()
        self._closed, self._under_way = False, 0  # hints that are just being sent
        self._elsewhere = crosses_processes(app.settings.broker_url)

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
        self._hint("intake")

    def deliver(self, lane: int = 0) -> None:
        """Messages are due in that lane."""
        self._hint(LANES[lane])

    def ask(self) -> None:
        """There is something to ask of the systems behind connections."""
        self._hint("ask")

    def tell(self) -> None:
        """There are alarms to tell."""
        self._hint("tell")

    def call(self) -> None:
        """There are events to tell endpoints."""
        self._hint("call")

    def close(self) -> None:
        """Send no more hints, and wait for those under way: a broker is closed when nobody speaks to it."""
        with self._state:
            self._closed = True
            self._state.wait_for(lambda: not self._under_way, PATIENCE)

    def _hint(self, kind: str) -> None:
        ahead = self._believed[kind] - self._clock.monotonic()
        if ahead > 0:
            if self._elsewhere and kind not in self._owed:  # the last one may have been taken up before this work came
                self._owed.add(kind)
                later = Timer(ahead, self._owes, (kind,))
                later.daemon = True
                later.start()
            return
        self._believed[kind] = self._clock.monotonic() + (GATHERED if self._elsewhere else BELIEVED)
        with self._state:
            if self._closed:
                return
            self._under_way += 1
        try:
            self._actors[kind].send()
            HINTS.add(kind, "sent")
        except Exception as lost:
            HINTS.add(kind, "lost")
            # A broker that is away is not asked again at once: that would hold up whoever has something to tell.
            self._believed[kind] = self._clock.monotonic() + (BELIEVED if self._elsewhere else 0.0)
            log.warning("hint.lost", kind=kind, error=type(lost).__name__)
        finally:
            with self._state:
                self._under_way -= 1
                self._state.notify_all()

    def _owes(self, kind: str) -> None:
        self._owed.discard(kind)
        self._hint(kind)

    def _drain(self, kind: str, work: Callable[[], int], wants_help: Callable[[], bool]) -> None:
        """Work until there is nothing left, or long enough; where more waits than a batch others help."""
        self._believed[kind] = 0.0
        until = self._clock.monotonic() + LONGEST
        while work() > 0:
            if wants_help():
                self._hint(kind)
            if self._clock.monotonic() > until:
                self._hint(kind)
                return
