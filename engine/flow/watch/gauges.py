"""How the installation stands, read off the database for whoever scrapes; at most every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from threading import Lock

import structlog

from engine.flow.app import App
from engine.io.metrics import Gauge
from engine.rules.alarm import KINDS
from engine.store import backlog, watches

log = structlog.get_logger(__name__)
BELIEVED = 5.0  # seconds
LIGHT = 20  # times as long as they took to read: whoever scrapes costs the database one part in twenty at most


class Gauges:
    """The figures, kept for a moment: many scrapers cost one look. Threads may share it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = Lock()
        self._known: Sequence[Gauge] = ()
        self._until = float("-inf")

    def read(self) -> Sequence[Gauge]:
        """The figures, not older than BELIEVED unless they are dear. Without a database only that it is away."""
        with self._lock:
            if self._app.clock.monotonic() >= self._until:
                began = self._app.clock.monotonic()
                self._known = self._look()
                ended = self._app.clock.monotonic()
                self._until = ended + max(BELIEVED, LIGHT * (ended - began))
            return self._known

    def _look(self) -> Sequence[Gauge]:
        try:
            return (*figures(self._app), _up(1))
        except Exception as failed:
            log.warning("metrics.not_read", error=type(failed).__name__)
            return (_up(0),)


def _up(value: int) -> Gauge:
    return Gauge(name="todoke_database_up", text="Could the database be asked", values={(): value})


def figures(app: App) -> list[Gauge]:
    """Every figure of the database as it is now."""
    now, real = app.clock.now(), app.clock.real()
    with app.store.read() as tx:
        waiting = backlog.waiting(tx, now)
        troubled, runs = backlog.troubled(tx), backlog.runs_due(tx, now)
        held, pauses, opened = backlog.held_accounts(tx, real), backlog.pauses(tx), backlog.open_alarms(tx)
        worker = watches.last(tx, "worker")
        asking, failing = backlog.errands_due(tx, now, real), backlog.failing(tx)
    lanes = [one for one in waiting if one.queue != "inbox"]
    inbox = next(one for one in waiting if one.queue == "inbox")
    kinds = {(kind,): float(opened.get(kind, 0)) for kind in KINDS}
    accounts = {(name,): float(held.get(name, 0)) for name in ("rate", "quota", "account", "provider")}
    seen = {(): (real - worker).total_seconds()} if worker else {}
    return [
        Gauge(name="todoke_messages_due", text="Messages due and not taken up, by lane; counting stops at "
              f"{backlog.MOST} of a merchant", labels=("lane",), values={(one.queue,): one.count for one in lanes}),
        Gauge(name="todoke_messages_due_oldest_seconds", text="How long the oldest due message has been due",
              labels=("lane",), values={(one.queue,): _age(now, one.oldest) for one in lanes}),
        Gauge(name="todoke_deliveries_waiting", text="Deliveries in the inbox that have not come to their end",
              values={(): inbox.count}),
        Gauge(name="todoke_deliveries_waiting_oldest_seconds", text="How long the oldest of them has waited",
              values={(): _age(now, inbox.oldest)}),
        Gauge(name="todoke_errands_due", text="Things to ask of the systems behind connections, whose time has come",
              values={(): asking.count}),
        Gauge(name="todoke_errands_due_oldest_seconds", text="How long the oldest of them has waited",
              values={(): _age(now, asking.oldest)}),
        Gauge(name="todoke_errands_failing", text="Things to ask that have failed and are tried again, by why",
              labels=("why",), values={(why,): float(count) for why, count in failing.items()}),
        Gauge(name="todoke_messages_troubled", text="Messages that are unknown or dead", labels=("status",),
              values={(status,): count for status, count in troubled.items()}),
        Gauge(name="todoke_runs_due", text="Runs whose wakeup has come", values={(): runs}),
        Gauge(name="todoke_accounts_held", text="Channel accounts held back, by what for", labels=("held_for",),
              values=accounts),
        Gauge(name="todoke_pauses", text="Pauses in force", values={(): pauses}),
        Gauge(name="todoke_alarms_open", text="Open alarms by kind", labels=("kind",), values=kinds),
        Gauge(name="todoke_worker_seen_seconds", text="Since the last sign of any worker", values=seen),
    ]  # fmt: skip


def _age(now: datetime, oldest: datetime | None) -> float:
    return max((now - oldest).total_seconds(), 0.0) if oldest else 0.0
