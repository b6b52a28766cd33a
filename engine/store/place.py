"""A place that threads of one process stand in line for: to write to SQLite, which has one writer, or to be at work.

A lock of the standard library is taken by whoever happens to run, so that with a backlog the same few threads have it
again and again. A place is handed on in the order of asking; but whoever comes back to it, from outside, has only the
end of his work to do and goes first, and those who give way stand behind all others.

Little work comes in several visits. A place that is `kept` belongs to it in between too: those who give way pause until
it is through, or else each of its visits would wait for the end of a piece of theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, get_ident, local
from time import monotonic
from types import TracebackType

OTHERS_FIRST = 8  # so many are let go first, then one of those who give way has a turn
LOOKS = 20  # so often it looks whether a place is still kept, then too it has one


class Place:
    """A lock; whoever holds it may enter again."""

    def __init__(self, kept: float = 0.0) -> None:
        """`kept`: seconds for which those who give way wait for somebody who is back soon; 0: not at all."""
        self._mine = local()  # .gives_way
        self._state = Lock()
        self._holder: int | None = None  # the thread inside
        self._entered = 0  # how often it has entered
        self._back: deque[tuple[int, Lock]] = deque()
        self._first: deque[tuple[int, Lock]] = deque()
        self._last: deque[tuple[int, Lock]] = deque()
        self._kept, self._kept_until = kept, 0.0
        self._passed = 0  # how many went before the first of `_last` in a row

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Within it this thread lets others go first: for work of which there is much."""
        before, self._mine.gives_way = getattr(self._mine, "gives_way", False), True
        try:
            yield
        finally:
            self._mine.gives_way = before

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Within it this thread waits for somebody else, and its place is another's if it has one."""
        held = self._entered if self._holder == get_ident() else 0
        if held:
            self.back_soon()
        for _ in range(held):
            self.__exit__(None, None, None)
        try:
            yield
        finally:
            for again in range(held):
                self._enter(back=not again)

    def back_soon(self) -> None:
        """What this thread does goes on in a moment, here or in another thread; nothing where it gives way."""
        if not getattr(self._mine, "gives_way", False):
            self._kept_until = monotonic() + self._kept

    def let_by(self) -> None:
        """Between two pieces of much work: whoever has little goes first."""
        if getattr(self._mine, "gives_way", False) and (self._back or self._first or self._awaited()):
            with self.outside():
                pass

    @property
    def asked_for(self) -> bool:
        """Does this thread give way, and does somebody who does not stand in line?"""
        return bool(self._back or self._first) and getattr(self._mine, "gives_way", False)

    def __enter__(self) -> None:
        self._enter()

    def _enter(self, *, back: bool = False) -> None:
        me = get_ident()
        with self._state:
            if self._holder == me:
                self._entered += 1
                return
            much = getattr(self._mine, "gives_way", False)
            turn = Lock()
            turn.acquire()
            (self._last if much else self._back if back else self._first).append((me, turn))
            self._admit()
        try:
            self._wait(turn, much)
        except BaseException:  # a limit of time: nobody else would hand on what is handed to this thread
            self._leave(me, turn)
            raise

    def _wait(self, turn: Lock, much: bool) -> None:
        again = self._kept if much and self._kept else -1  # seconds; nobody tells that a place is kept no longer
        looks = 0
        while not turn.acquire(timeout=again):  # until a place is handed over
            looks += 1
            with self._state:
                if looks % LOOKS == 0:
                    self._passed = OTHERS_FIRST
                self._admit()

    def _leave(self, me: int, turn: Lock) -> None:
        with self._state:
            if self._holder == me:
                self._holder, self._entered = None, 0
            for line in (self._back, self._first, self._last):
                with suppress(ValueError):
                    line.remove((me, turn))
            self._admit()

    def __exit__(self, _kind: type[BaseException] | None, _what: BaseException | None, _: TracebackType | None) -> None:
        with self._state:
            if self._holder != get_ident():
                return  # it was outside, and did not come back
            self._entered -= 1
            if not self._entered:
                self._holder = None
                self._admit()

    def _admit(self) -> None:
        few = self._back or self._first
        much = bool(self._last) and (not (few or self._awaited()) or self._passed >= OTHERS_FIRST)
        chosen = self._last if much else few
        if self._holder is not None or not chosen:
            return
        self._passed = self._passed + 1 if self._last and not much else 0
        self._holder, turn = chosen.popleft()
        self._entered = 1
        turn.release()

    def _awaited(self) -> bool:
        """Is little work under way, between two of its visits?"""
        return monotonic() < self._kept_until
