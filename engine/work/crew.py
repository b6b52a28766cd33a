"""The worker side of a process: broker, actors, worker threads and sweeper, started and stopped together."""

from __future__ import annotations

from dramatiq import Worker

from engine.flow.app import App
from engine.work.actors import BrokerHints
from engine.work.broker import crosses_processes, make_broker
from engine.work.sweeper import Sweeper

STOP_MS = 20_000  # longer than one send may take
POLL_MS = 200  # how soon an idle thread notices that it should stop


def send_hints(app: App) -> None:
    """Let a process without workers wake those of others, where the broker reaches them."""
    if crosses_processes(app.settings.broker_url):
        app.hints = BrokerHints(app, make_broker(app.settings.broker_url))


class Crew:
    """Everything that works in the background of one process."""

    def __init__(self, app: App) -> None:
        len(app.journeys)  # a broken journey is said before anything is touched
        self._broker = make_broker(app.settings.broker_url)
        app.hints = BrokerHints(app, self._broker)
        self._worker = Worker(self._broker, worker_threads=app.settings.worker_threads, worker_timeout=POLL_MS)
        self._sweeper = Sweeper(app)

    def start(self) -> None:
        """Start the threads. The broker is told that the process is up, or its time limits would do nothing."""
        self._broker.emit_after("process_boot")
        self._worker.start()
        self._sweeper.look()
        self._sweeper.start()

    def stop(self) -> None:
        """Let what is under way come to its end, then stop."""
        self._sweeper.stop()
        self._worker.stop(timeout=STOP_MS)
        self._broker.close()
