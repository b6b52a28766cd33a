"""Places that threads of one process stand in line for: to write to SQLite, which has one writer, and to be at work.

A lock of the standard library is taken by whoever happens to run, so that with a backlog the same few threads have it
again and again. A place is handed on in the order of asking, and those who give way stand behind all others. Where
there is more than one, one is kept free of them.

Little work comes in several visits. A place that is `kept` belongs to it in between too: those who give way pause until
it is through, or else each of its visits would wait for the end of a piece of theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident, local
from time import monotonic
from types import TracebackType

OTHERS_FIRST = 8  # so many are let go first, then one of those who give way has a turn
LOOKS = 20  # so often it looks whether a place is still kept, then too it has one


class Places:
    """A lock that so many threads may hold; whoever holds it may enter again."""

    def __init__(self, number: int = 1, kept: float = 0.0) -> None:
        """`kept`: seconds for which those who give way wait for somebody who is back soon; 0: not at all."""
        self._number, self._for_much = number, max(1, number - 1)
        self._mine = local()  # .gives_way
        self._state = Lock()
        self._inside: dict[int, int] = {}  # thread -> how often it has entered
        self._much: set[int] = set()  # those inside who gave way
        self._first: deque[tuple[int, Lock]] = deque()
        self._last: deque[tuple[int, Lock]] = deque()
        self._kept, self._kept_until = kept, 0.0
        self._passed = 0  # how many went before the first of `_last` in a row

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Within it this thread lets others go first: for work of which there is much."""
        before, self._mine.gives_way = getattr(self._mine, "gives_way", False), True
        with self._state:
            if get_ident() in self._inside:
                self._much.add(get_ident())
        try:
            yield
        finally:
            self._mine.gives_way = before

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Within it this thread waits for somebody else, and its place is another's if it has one."""
        held = self._inside.get(get_ident(), 0)
        if held:
            self.back_soon()
        for _ in range(held):
            self.__exit__(None, None, None)
        try:
            yield
        finally:
            for _ in range(held):
                self.__enter__()

    def back_soon(self) -> None:
        """What this thread does goes on in a moment, here or in another thread; nothing where it gives way."""
        if not getattr(self._mine, "gives_way", False):
            self._kept_until = monotonic() + self._kept

    def let_by(self) -> None:
        """Between two pieces of much work: whoever has little goes first."""
        if getattr(self._mine, "gives_way", False) and (self._first or self._awaited()):
            with self.outside():
                pass

    def __enter__(self) -> None:
        me = get_ident()
        with self._state:
            if me in self._inside:
                self._inside[me] += 1
                return
            much = getattr(self._mine, "gives_way", False)
            turn = Lock()
            turn.acquire()
            (self._last if much else self._first).append((me, turn))
            self._admit()
        again = self._kept if much and self._kept else -1  # seconds; nobody tells that a place is kept no longer
        looks = 0
        while not turn.acquire(timeout=again):  # until a place is handed over
            looks += 1
            with self._state:
                if looks % LOOKS == 0:
                    self._passed = OTHERS_FIRST
                self._admit()

    def __exit__(self, _kind: type[BaseException] | None, _what: BaseException | None, _: TracebackType | None) -> None:
        me = get_ident()
        with self._state:
            self._inside[me] -= 1
            if not self._inside[me]:
                del self._inside[me]
                self._much.discard(me)
                self._admit()

    def _admit(self) -> None:
        while len(self._inside) < self._number:
            much = bool(self._last) and len(self._much) < self._for_much
            much = much and (not (self._first or self._awaited()) or self._passed >= OTHERS_FIRST)
            chosen = self._last if much else self._first
            if not chosen:
                return
            self._passed = self._passed + 1 if self._last and not much else 0
            thread, turn = chosen.popleft()
            self._inside[thread] = 1
            if much:
                self._much.add(thread)
            turn.release()

    def _awaited(self) -> bool:
        """Is little work under way, between two of its visits or beside?"""
        return bool(self._kept) and (monotonic() < self._kept_until or len(self._inside) > len(self._much))
