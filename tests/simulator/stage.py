"""Threads of which exactly one runs at a time, so that a seed replays whatever the machine is doing.

A worker runs a job until it comes to a seam; there the plan may let others go first. A worker whose process is
gone meets `Killed` at its seam: nothing that product code could catch comes after it, and the transaction that
was open is rolled back, as the database does when a connection drops.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread


class Killed(BaseException):
    """The process is gone."""


class Actor:
    """A thread that does one job after the other, whenever it is its turn."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.name = name
        self.doing = ""  # what it is in the middle of; empty: nothing
        self.until = 0.0  # stopped, or not started again, before this moment
        self.doomed = False
        self.ended: BaseException | str | None = None  # how the last job came out: "" is well
        self.result: object = None
        self._stage = stage
        self._job: Callable[[], object] | None = None
        self._turn = Lock()
        self._turn.acquire()
        self._thread = Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def begin(self, doing: str, job: Callable[[], object]) -> None:
        """Give it a job; it starts when it is resumed."""
        self.doing, self._job, self.ended = doing, job, None

    def close(self) -> None:
        """End the thread. It must be idle."""
        self._job = None
        self._turn.release()
        self._thread.join()

    def _live(self) -> None:
        while True:
            self._turn.acquire()
            if self._job is None:
                return
            try:
                if self.doomed:
                    raise Killed
                self.result, self.ended = self._job(), ""
            except BaseException as ended:
                self.ended = ended
            self._job, self.doing, self.doomed = None, "", False
            self._stage.back()

    def wait(self) -> None:
        """Let the others go first; come back when it is this one's turn again. Raises Killed."""
        self._stage.back()
        self._turn.acquire()
        if self.doomed:
            raise Killed

    def go(self) -> None:
        self._turn.release()


class Stage:
    """Hands the turn to one actor and waits until it gives it back."""

    def __init__(self) -> None:
        self.current: Actor | None = None
        self._mine = Lock()
        self._mine.acquire()

    def resume(self, actor: Actor) -> None:
        """Let the actor run until it waits or its job is over."""
        self.current = actor
        actor.go()
        self._mine.acquire()
        self.current = None

    def back(self) -> None:
        self._mine.release()
