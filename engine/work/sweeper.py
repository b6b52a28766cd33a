"""Finds what hints have lost: waiting deliveries, due messages and wakeups, leases that ran out."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import structlog

from engine.flow.app import App
from engine.flow.observe import observe
from engine.flow.recover import recover
from engine.flow.send import deliver
from engine.flow.wake import wake
from engine.store import inbox, messages

log = structlog.get_logger(__name__)
LONGEST = 5.0  # seconds of the sweeper's own work between two looks


class Sweeper:
    """A thread that looks every `sweep_seconds`. It hints first, and works itself where a hint did not help."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stop = Event()
        self._waited = self._was_due = False  # what the last look found
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
        # What a hint has not set going by the next look, the sweeper does itself: the broker may be away.
        if waiting and self._waited:
            self._work(observe)
        if due and self._was_due:
            self._work(deliver)
        self._waited, self._was_due = waiting, due

    def _work(self, work: Callable[[App], int]) -> None:
        until = self._app.clock.monotonic() + LONGEST
        while work(self._app) and self._app.clock.monotonic() < until:
            continue

    def _recover(self) -> None:
        while recover(self._app):
            continue

    def _wake(self) -> None:
        while wake(self._app):
            continue

    def _run(self) -> None:
        while not self._stop.wait(self._app.settings.sweep_seconds):
            self.look()
