"""The worker side of a process: broker, actors, worker threads and sweeper, started and stopped together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from logging import LogRecord
from threading import Thread
from time import monotonic
from typing import Any

import structlog
from dramatiq import Broker, Worker

from engine.flow.app import App
from engine.flow.ask.plan import arrange_all
from engine.flow.turns import Turns
from engine.model.consent import LANES
from engine.work.actors import BrokerHints
from engine.work.broker import PATIENCE, crosses_processes, make_broker
from engine.work.sweeper import Sweeper
from engine.work.watch import Watch

log = structlog.get_logger(__name__)
STOP_MS = 20_000  # longer than one send may take; with what follows it is shorter than who asks us to stop waits
# Seconds after which a thread that computes lets others go on. Each of our statements gives the interpreter away and
# has to ask for it again while it holds its locks; Python's 5 ms is longer than most of our transactions, and a small
# merchant's order asks some thirty times beside another's backlog.
SWITCH = 0.0002
# Seconds and pieces of a slice on SQLite. Elsewhere every batch costs sixty round trips.
SHORT = 0.02, 5
POLL_MS = 1_000  # how soon an idle thread notices that it should stop; below the patience with a broker's server


def send_hints(app: App) -> Callable[[], None]:
    """Let a process without workers wake those of others, where the broker reaches them; returns what ends it."""
    if not crosses_processes(app.settings.broker_url):
        return lambda: None
    broker = make_broker(app.settings.broker_url)
    app.hints = hints = BrokerHints(app, broker)
    return partial(_fall_silent, hints, broker)


def _fall_silent(hints: BrokerHints, broker: Broker) -> None:
    hints.close()
    _within(PATIENCE, broker.close)


def shares(threads: int) -> list[tuple[set[str], int]]:
    """Which queues share how many threads. From four on no class of work waits for another's threads; with fewer what
    has a person waiting keeps one to itself. What is asked of others mostly waits for them, so it has few."""
    if threads <= 1:
        return [({"intake", "transactional", "service", "outbound"}, 1)]
    if threads == 2:
        return [({"intake", "service", "outbound"}, 1), ({"transactional"}, 1)]
    if threads == 3:
        return [({"intake"}, 1), ({"transactional"}, 1), ({"service", "outbound"}, 1)]
    outbound, service = max(1, threads // 6), max(1, threads // 4)
    intake = (threads - service - outbound) // 2
    transactional = threads - service - outbound - intake
    own = {"intake": intake, "transactional": transactional, "service": service, "outbound": outbound}
    return [({queue}, number) for queue, number in own.items()]


def _said(record: LogRecord) -> bool:
    """Dramatiq warns of a second worker in a process; ours have queues of their own."""
    return "middleware of the same type twice" not in str(record.msg)


def _within(seconds: float, *parts: Callable[[], object]) -> None:
    """Do these side by side, and go on when all are done, or after so many seconds."""
    threads = [Thread(target=_logged, args=(part,), name="stop", daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    until = monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
    if any(thread.is_alive() for thread in threads):
        log.warning("stop.left_behind", seconds=seconds)


def _logged(part: Callable[[], object]) -> None:
    try:
        part()
    except Exception as failed:
        log.warning("stop.failed", error=type(failed).__name__, exc_info=failed)


class Hands(Worker):
    """Threads for some of the queues. Dramatiq also polls a queue of delayed messages for each; ours has none."""

    def _add_consumer(self, queue_name: str, *, delay: bool = False) -> None:
        if not delay:
            super()._add_consumer(queue_name)


class Crew:
    """Everything that works in the background of one process."""

    def __init__(self, app: App) -> None:
        len(app.journeys)  # a broken journey is said before anything is touched
        self._app = app
        self._broker = make_broker(app.settings.broker_url)
        self._broker.logger.addFilter(_said)
        app.hints = self._hints = BrokerHints(app, self._broker)
        parts = shares(app.settings.worker_threads)
        lines: list[tuple[Turns[Any], str]] = [(app.lines.deliveries, "intake")]
        for line, queue in (*lines, *zip(app.lines.lanes, LANES, strict=True)):
            threads = next(threads for queues, threads in parts if queue in queues)
            # The others are there for those who have little. SQLite has one writer: a second thread would only
            # stand in line with the first, and whoever has little waits for the end of a slice.
            line.at_once = 1 if app.store.writer else max(1, threads // 2)
            if app.store.writer:
                line.aim, line.least = SHORT
                line.polite = True  # whoever has an order an hour is met by nobody who knows of him
        self._hands = [
            Hands(self._broker, queues=queues, worker_threads=threads, worker_timeout=POLL_MS)
            for queues, threads in parts
        ]
        self._sweeper = Sweeper(app)
        self._watch = Watch(app, worker=True)

    def start(self) -> None:
        """Start the threads. The broker is told that the process is up, or its time limits would do nothing."""
        sys.setswitchinterval(SWITCH)
        self._app.ending.clear()
        self._broker.emit_after("process_boot")
        for hands in self._hands:
            hands.start()
        self._arrange()
        self._sweeper.look()
        self._sweeper.start()
        self._watch.start()

    def stop(self) -> None:
        """Let what is under way come to its end, then stop; but whatever hangs, the process ends: the database knows
        what was under way."""
        self._app.ending.set()
        stops = [partial(hands.stop, timeout=STOP_MS) for hands in self._hands]
        _within(STOP_MS / 1000 + PATIENCE, self._watch.stop, self._sweeper.stop, *stops)
        _fall_silent(self._hints, self._broker)

    def _arrange(self) -> None:
        """Connections that an older version made are asked from now on."""
        try:
            arrange_all(self._app)
        except Exception as failed:  # of one connector, perhaps: the others' work goes on
            log.error("errands.not_planned", exc_info=failed)
