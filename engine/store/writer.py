"""The line of those in this process who want to write to SQLite, which has one writer at a time.

A lock of the standard library is taken by whoever happens to run, so that with a backlog the same few threads have it
again and again. This one is handed on in the order of asking, and those who give way stand behind all others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock, get_ident, local
from types import TracebackType

OTHERS_FIRST = 8  # so many are let go first, then one of those who give way has a turn


class Writer:
    """A lock; whoever holds it may enter again."""

    def __init__(self) -> None:
        self._mine = local()  # .gives_way, .alone
        self._state = Lock()
        self._owner: int | None = None
        self._depth = 0
        self._first: deque[tuple[int, Lock]] = deque()
        self._last: deque[tuple[int, Lock]] = deque()
        self._passed = 0  # how many went before the first of `_last` in a row

    @contextmanager
    def giving_way(self, alone: Lock | None = None) -> Iterator[None]:
        """Within it this thread lets others write first: for work of which there is much. Of those that name `alone`
        one is at work at a time: they would only slow each other, and others, down."""
        before, self._mine.gives_way = getattr(self._mine, "gives_way", False), True
        try:
            with alone or nullcontext():
                self._mine.alone = alone
                yield
        finally:
            self._mine.gives_way, self._mine.alone = before, None

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within it this thread waits for somebody outside, and is not at work."""
        alone: Lock | None = getattr(self._mine, "alone", None)
        if alone is None:
            yield
            return
        alone.release()
        try:
            yield
        finally:
            alone.acquire()

    def __enter__(self) -> None:
        me = get_ident()
        with self._state:
            if self._owner in {None, me}:
                self._owner, self._depth = me, self._depth + 1
                return
            turn = Lock()
            turn.acquire()
            (self._last if getattr(self._mine, "gives_way", False) else self._first).append((me, turn))
        turn.acquire()  # until it is handed over

    def __exit__(self, _kind: type[BaseException] | None, _what: BaseException | None, _: TracebackType | None) -> None:
        with self._state:
            self._depth -= 1
            if self._depth:
                return
            waits = bool(self._last)
            chosen = self._first if self._first and not (waits and self._passed >= OTHERS_FIRST) else self._last
            self._passed = self._passed + 1 if chosen is self._first and waits else 0
            if not chosen:
                self._owner = None
                return
            self._owner, turn = chosen.popleft()
            self._depth = 1
            turn.release()
