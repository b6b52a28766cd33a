"""Finds what hints have lost: waiting deliveries, due messages and wakeups, leases that ran out."""

from __future__ import annotations

from threading import Event, Thread

import structlog

from engine.flow.app import App
from engine.flow.recover import recover
from engine.flow.wake import wake
from engine.store import inbox, messages

log = structlog.get_logger(__name__)


class Sweeper:
    """A thread that looks every `sweep_seconds`; it hints rather than works, so that it never falls behind."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stop = Event()
        self._thread = Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the look under way."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Look once. What goes wrong in one place is logged and does not keep it from the others."""
        for part in (self._hint, self._recover, self._wake):
            try:
                part()
            except Exception as failed:
                log.error("sweep.failed", error=type(failed).__name__, exc_info=failed)

    def _hint(self) -> None:
        with self._app.store.read() as tx:
            waiting = inbox.waiting(tx)
            due = messages.busy(tx, self._app.clock.now())
        if waiting:
            self._app.hints.observe()
        if due:
            self._app.hints.deliver()

    def _recover(self) -> None:
        while recover(self._app):
            continue

    def _wake(self) -> None:
        while wake(self._app):
            continue

    def _run(self) -> None:
        while not self._stop.wait(self._app.settings.sweep_seconds):
            self.look()
