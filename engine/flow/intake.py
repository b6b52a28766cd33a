"""Group commit: many requests at once share one commit. Whoever comes while a commit is under way goes into the next
one, so a group is as large as the load asks for, and nobody waits for a timer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Thread

import structlog

from engine.flow.app import App
from engine.io.metrics import GROUPS
from engine.store import merchants
from engine.store.chute import Chute, Packed
from engine.store.inbox import Raw

log = structlog.get_logger(__name__)
GROUP = 500  # deliveries after which a group takes in no more
NOTED = timedelta(seconds=5)  # how often it is noted that a connection delivers
LONG_AGO = datetime.min.replace(tzinfo=UTC)
Waiting = tuple[Raw, Packed, asyncio.Future[None]]


class Intake:
    """One thread that writes what has gathered while the last commit ran."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._chute = Chute(app.store)
        self._heard: dict[str, datetime] = {}  # connection -> when it was last noted that it delivers
        self._gathered: list[Waiting] = []  # by the event loop, in one turn of it
        self._waiting: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def put(self, raw: Raw) -> asyncio.Future[None]:
        """Done when the delivery is committed; holds the exception when it could not be. For one event loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        try:
            packed = self._chute.pack(raw)
        except UnicodeError as failed:  # it goes by a name that is no text
            log.error("intake.not_stored", deliveries=1, error=type(failed).__name__)
            done.set_exception(failed)
            return done
        if not self._gathered:  # what the sockets have brought in this turn makes one group
            loop.call_soon(self._hand_over)
        self._gathered.append((raw, packed, done))
        self._await_work([raw])
        return done

    def close(self) -> None:
        """Commit what has gathered and stop. From the event loop, or after its end."""
        self._hand_over()
        self._waiting.put(None)
        self._thread.join()

    def _hand_over(self) -> None:
        if self._gathered:
            self._waiting.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        while (group := self._waiting.get()) is not None:
            more: list[Waiting] | None = []
            while more is not None and len(group) < GROUP and not self._waiting.empty():
                more = self._waiting.get()
                group += more or []
            self._store(group)
            self._await_work(raw for raw, _, _ in group)
            GROUPS.add(len(group))
            # After the answers: a broker may be slow or away, and a note may wait for other writers.
            self._hint()
            self._note({raw.connection for raw, _, _ in group})
            if more is None:
                break
        self._chute.close()

    def _store(self, group: Sequence[Waiting]) -> None:
        try:
            self._chute.put([packed for _, packed, _ in group])
        except Exception as failed:
            if len(group) > 1 and self._chute.about_rows(failed):  # nobody is refused for what came beside him
                for one in group:
                    self._store([one])
                return
            log.error("intake.not_stored", deliveries=len(group), error=type(failed).__name__)
            _tell(group, failed)
            return
        _tell(group, None)

    def _await_work(self, raws: Iterable[Raw]) -> None:
        """Those with a backlog pause for the delivery of somebody who has none, from here to its messages."""
        line = self._app.lines.deliveries
        if not all(line.has_much(raw.connection) for raw in raws):
            line.look_again()
            self._app.store.back_soon()

    def _hint(self) -> None:
        try:
            self._app.hints.observe()
        except Exception as failed:  # whatever it is, the sweeper looks, and this thread has others to serve
            log.warning("hint.lost", kind="intake", error=type(failed).__name__)

    def _note(self, connections: set[str]) -> None:
        """Note now and then that these connections deliver; they have had their answers."""
        now = self._app.clock.now()
        due = {one for one in connections if not timedelta(0) <= now - self._heard.get(one, LONG_AGO) < NOTED}
        if not due:
            return
        try:
            with self._app.store.begin() as tx:
                merchants.heard_from(tx, due, now)
        except Exception as failed:
            log.warning("intake.not_noted", error=type(failed).__name__)
        self._heard.update(dict.fromkeys(due, now))


def _tell(group: Sequence[Waiting], failed: Exception | None) -> None:
    """Tell everybody of a group, waking each event loop once: that is a system call."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for _, _, done in group:
        loops.setdefault(done.get_loop(), []).append(done)
    for loop, waiting in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever waited with it
            loop.call_soon_threadsafe(_end, waiting, failed)


def _end(waiting: Sequence[asyncio.Future[None]], failed: Exception | None) -> None:
    for done in waiting:
        if done.done():  # whoever waited has gone
            continue
        if failed is None:
            done.set_result(None)
        else:
            done.set_exception(failed)
