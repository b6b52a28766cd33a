"""A shop that signs its webhooks and sends them again until they are taken, as shops do; some it sends twice anyway."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx

from tests.e2e.installation import standard
from tests.rig import orders

SENDERS = 12
AGAIN = 0.1  # seconds before the next try; real shops wait longer
TWICE = 0.03  # of the deliveries are sent once more though they were taken
OLD = timedelta(minutes=10)  # what is told happened so long ago


class Shop:
    """`taken` holds the ids of deliveries that were answered with 2xx, `answers` counts every status.

    `clock` gives the seconds since the epoch by which it signs and dates: those of the installation's machine.
    """

    def __init__(self, url: str, clock: Callable[[], float], chance: random.Random) -> None:
        self.url, self.clock, self.chance = url, clock, chance
        self.taken: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.http = httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_connections=SENDERS + 4))
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(SENDERS)
        self._sent: list[Future[None]] = []

    def open(self, count: int, seconds: float) -> None:
        """Begin to tell the story of `count` orders, spread over `seconds`."""
        told = list(orders.story(count))
        step = seconds / len(told)
        begin = time.monotonic()
        # Some parcels are heard of before their orders, most a while after.
        queue = sorted((place + self.chance.uniform(-6, 60) * bool(one[2]), one) for place, one in enumerate(told))
        for place, (_, one) in enumerate(queue):
            self._sent.append(self._pool.submit(self._tell, begin + place * step, *one))

    @property
    def told(self) -> bool:
        """Is the story at its end?"""
        return all(one.done() for one in self._sent)

    @property
    def done(self) -> int:
        """How many deliveries were taken so far."""
        return len(self.taken)

    def close(self, seconds: float) -> bool:
        """Wait until everything was taken; False when it was not within `seconds`."""
        late = threading.Timer(seconds, self._stop.set)
        late.start()
        for one in self._sent:
            one.result()
        late.cancel()
        self.leave()
        return not self._stop.is_set() or len(self.taken) >= len(self._sent)

    def leave(self) -> None:
        """Stop at once."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        self.http.close()

    def tell(self, told: Iterable[tuple[str, bytes]]) -> None:
        """Send these deliveries (id, body) now, one after the other, each until it is taken."""
        for number, body in told:
            self._until_taken(number, body)

    @property
    def when(self) -> datetime:
        """When that happened which is told now."""
        return datetime.fromtimestamp(self.clock(), UTC) - OLD

    def _tell(self, at: float, number: int, name: str, tracking: str) -> None:
        if self._stop.wait(max(0.0, at - time.monotonic())):
            return
        body = orders.shipped(number, tracking, self.when) if tracking else orders.paid(number, self.when)
        self._until_taken(name, body)
        if self.chance.random() < TWICE:
            self._until_taken(name, body)

    def _until_taken(self, name: str, body: bytes) -> None:
        while not self._stop.is_set():
            try:
                answer = self.http.post(self.url, content=body, headers=standard(name, body, self.clock()))
            except httpx.TransportError:
                self.answers[0] += 1
            else:
                self.answers[answer.status_code] += 1
                if answer.is_success:
                    self.taken.add(name)
                    return
            self._stop.wait(AGAIN)
