"""Finds what hints have lost: waiting deliveries, due messages and wakeups, leases that ran out, errands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import Any, TypeVar

import structlog

from engine.flow.app import App
from engine.flow.ask.errand import ask
from engine.flow.call import call
from engine.flow.fall_back import fall_back
from engine.flow.observe import observe
from engine.flow.recover import recover
from engine.flow.send import deliver
from engine.flow.turns import Turns
from engine.flow.wake import wake
from engine.store import turns
from engine.store.turns import Look

T = TypeVar("T")
log = structlog.get_logger(__name__)
LONGEST = 1.0  # seconds of the sweeper's own work of one kind between two looks


class Sweeper:
    """A thread that looks every `sweep_seconds`. It hints first, and works itself where a hint did not help."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stop = Event()
        self._found = Look(
            waiting=False, due=False, stranded=False, waking=False, asking=False, telling=False
        )  # at the last look
        self._beside: dict[Callable[[App], int], Thread] = {}
        self._claims: dict[Turns[Any], int] = {}  # how often something had been taken by then
        self._more = False  # was something left when its time was over?
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
        self._more = False
        found = self._try(self._look)
        if found is None:
            return
        self._hint(found)
        # What a hint has not set going by the next look, the sweeper does itself: the broker may be away.
        lines = self._app.lines
        untaken, unsent = self._idle(lines.deliveries), self._idle(*lines.lanes)
        for wanted, work in (
            (found.stranded, recover),
            (found.waking, wake),
            (found.silent, fall_back),
            (found.waiting and self._found.waiting and untaken, observe),
            (found.due and self._found.due and unsent, deliver),
        ):
            if wanted:
                self._try(partial(self._work, work))
        if found.asking and self._found.asking and self._idle(lines.errands):
            self._start(ask)
        if found.calling and self._found.calling:
            self._start(call)
        self._found = found
        self._claims = {line: line.claims for line in (lines.deliveries, *lines.lanes, lines.errands)}

    def _idle(self, *lines: Turns[Any]) -> bool:
        """Has nothing been taken from these lines in this process since the last look, and is nothing under way?"""
        return all(line.claims == self._claims.get(line, 0) and not line.under_way for line in lines)

    def _try(self, part: Callable[[], T]) -> T | None:
        try:
            return part()
        except Exception as failed:
            log.error("sweep.failed", error=type(failed).__name__, exc_info=failed)
            return None

    def _look(self) -> Look:
        with self._app.store.read() as tx:
            return turns.look(tx, self._app.clock.now(), self._app.clock.real())

    def _hint(self, found: Look) -> None:
        if found.waiting:
            self._app.hints.observe()
        if found.due:
            self._app.hints.deliver()
        if found.asking:
            self._app.hints.ask()
        if found.calling:
            self._app.hints.call()
        if found.telling and self._app.settings.alert_url:  # nobody else is told; the watch sees to lost hints
            self._app.hints.tell()

    def _start(self, work: Callable[[App], int]) -> None:
        """Do this in a thread of its own: a system that does not answer must not keep the sweeper waiting."""
        known = self._beside.get(work)
        if known is None or not known.is_alive():
            thread = Thread(target=partial(self._try, partial(self._drain, work)), name=work.__name__, daemon=True)
            self._beside[work] = thread
            thread.start()

    def _drain(self, work: Callable[[App], int]) -> None:
        while not self._stop.is_set() and work(self._app):
            pass

    def _work(self, work: Callable[[App], int]) -> None:
        until = self._app.clock.monotonic() + LONGEST
        while work(self._app):
            if self._app.clock.monotonic() > until:
                self._more = True
                return

    def _run(self) -> None:
        while not self._stop.wait(0 if self._more else self._app.settings.sweep_seconds):
            self.look()
