"""Threads that hand over beside the workers, shared by all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

FOR_WORKER = 8  # helpers of one thread
FOR_ONE = 8  # helpers that hand over to one connection at a time: mail servers count the sessions of a client
HELPERS = 32


class Helpers:
    """At most so many threads; with 0 every worker works alone, in order."""

    def __init__(self, most: int = HELPERS) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(max(1, most), thread_name_prefix="hand-over")
        self._busy: Counter[str] = Counter()  # helpers by connection
        self._lock = Lock()

    def call(self, work: Callable[[], T], pieces: int, connection: str) -> list[Future[T]]:
        """Start `work` in as many threads as the pieces of work and the connection can use."""
        with self._lock:
            free = min(self._most - self._busy.total(), FOR_ONE - self._busy[connection])
            few = max(0, min(FOR_WORKER, pieces, free))
            self._busy[connection] += few
        return [self._pool.submit(self._help, work, connection) for _ in range(few)]

    def _help(self, work: Callable[[], T], connection: str) -> T:
        try:
            return work()
        finally:
            with self._lock:
                self._busy[connection] -= 1
