"""Looks for alarms, in a thread of its own; telling them is the workers' work. It runs beside the workers and beside
the web, for only another process can see that no worker is left: then it tells them itself."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import structlog

from engine.flow.app import App
from engine.flow.watch.alert import hint, look, sign_of_life, tell_late

log = structlog.get_logger(__name__)
PATIENCE = 5.0  # seconds
EVERY = 10.0  # seconds; the watch is taken every 30 by whoever comes first


class Watch:
    """A thread that looks and tells. `worker` says that this process works, too."""

    def __init__(self, app: App, *, worker: bool) -> None:
        self._app = app
        self._parts: list[Callable[[App], object]] = [*([sign_of_life] if worker else []), look, hint, tell_late]
        self._stop = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the look under way; an endpoint that hangs is not waited for: what it has not taken is told
        again."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def once(self) -> None:
        """Look once, and see to it that what is found is told. What goes wrong is logged; watching goes on."""
        for part in self._parts:
            try:
                part(self._app)
            except Exception as failed:
                log.error("watch.failed", error=type(failed).__name__, exc_info=failed)

    def _run(self) -> None:
        self.once()
        while not self._stop.wait(EVERY):
            self.once()
