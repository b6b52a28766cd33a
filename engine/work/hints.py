"""Which hints are sent and when: at most one of a kind is outstanding, since a second one would say nothing new.

Whoever tells of work holds a place that others wait for, or answers deliveries. A broker in this process costs him
nothing. One with a server takes ten milliseconds to confirm a hint, and seconds while it is away, so a thread of its
own speaks to it: one thread, because each that speaks to RabbitMQ has a connection to itself, which nobody closes.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic

from engine.work.broker import PATIENCE

BELIEVED = 2.0  # seconds after which a hint that nobody has taken up counts as lost
GATHERED = 0.05  # seconds between two hints of a kind to other processes, which do not tell us that they took one up

Send = Callable[[str], bool]  # sends a hint of that kind to the broker; False: it is lost


class Here:
    """Hints that stay in this process: sent by whoever gives them, outstanding until somebody takes them up."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._until: dict[str, float] = {}  # kind -> until when a hint of it counts as outstanding
        self._state = Condition()
        self._closed, self._under_way = False, 0  # hints that are just being sent

    def give(self, kind: str) -> None:
        """There is work of this kind."""
        if self._until.get(kind, 0.0) > monotonic():
            return
        self._until[kind] = monotonic() + BELIEVED
        with self._state:
            if self._closed:
                return
            self._under_way += 1
        try:
            if not self._send(kind):
                self._until[kind] = 0.0
        finally:
            with self._state:
                self._under_way -= 1
                self._state.notify_all()

    def taken_up(self, kind: str) -> None:
        """What comes from now on is news again."""
        self._until[kind] = 0.0

    def close(self) -> None:
        """Take no more hints, and wait for those under way."""
        with self._state:
            self._closed = True
            self._state.wait_for(lambda: not self._under_way, PATIENCE)


class Elsewhere:
    """Hints to a broker with a server. After one of a kind the next is kept back for a moment and tells of everything
    that came meanwhile: the last one may have been taken up before."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._due: dict[str, float] = {}  # kind -> when a hint of it is sent
        self._rests: dict[str, float] = {}  # kind -> until when no other one is
        self._state = Condition()
        self._closed = False
        self._thread: Thread | None = None

    def give(self, kind: str) -> None:
        """There is work of this kind. Returns at once."""
        with self._state:
            if self._closed or kind in self._due:
                return
            self._due[kind] = self._rests.get(kind, 0.0)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="hints", daemon=True)
                self._thread.start()
            self._state.notify_all()

    def taken_up(self, kind: str) -> None:
        """What comes from now on is news again."""
        with self._state:
            self._rests[kind] = 0.0

    def close(self) -> None:
        """Take no more hints; those that are to leave yet leave now."""
        with self._state:
            self._closed = True
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        while (kind := self._next()) is not None:
            if not self._send(kind):
                with self._state:  # a broker that is away is not asked again at once
                    self._rests[kind] = monotonic() + BELIEVED
                    if kind in self._due:
                        self._due[kind] = self._rests[kind]

    def _next(self) -> str | None:
        """The kind whose hint is to be sent now, when there is one; None when there will be none any more."""
        with self._state:
            while self._due or not self._closed:
                now = monotonic()
                kind = min(self._due, key=self._due.__getitem__, default=None)
                if kind is not None and (self._closed or self._due[kind] <= now):
                    del self._due[kind]
                    self._rests[kind] = now + GATHERED
                    return kind
                self._state.wait(None if kind is None else self._due[kind] - now)
            return None
