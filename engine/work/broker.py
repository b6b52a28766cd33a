"""The Dramatiq broker. It only carries hints, so it may lose everything at any time."""

from __future__ import annotations

from queue import Full, Queue
from typing import Any

from dramatiq import Broker, Message
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, ShutdownNotifications, TimeLimit

HINTS = 1_000  # waiting in memory at most; more would say nothing new


class MemoryBroker(StubBroker):
    """Dramatiq's in-memory broker with a bound: a hint too many is dropped, since the sweeper finds its work.

    Failed messages are not kept: the log has the error, the database has the work.
    """

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue of at most HINTS messages."""
        super().declare_queue(queue_name)
        for name in (queue_name, f"{queue_name}.DQ"):
            if name in self.queues and not self.queues[name].maxsize:
                self.queues[name] = Queue(maxsize=HINTS)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueue a hint, or drop it when there are enough. Raises ValueError for a delay: time is the
        database's."""
        if delay is not None:
            raise ValueError("hints are never delayed; write a due time into the database")
        queue = self.queues.get(message.queue_name)
        if queue is not None and queue.full():
            return message
        try:
            return super().enqueue(message)
        except Full:
            return message


def make_broker(url: str) -> Broker:
    """The broker of that URL. Raises ValueError for a scheme that is not known."""
    if url.startswith("memory:"):
        return MemoryBroker(middleware=[AgeLimit(), TimeLimit(), ShutdownNotifications()])
    raise ValueError(f"TODOKE_BROKER_URL: {url.partition(':')[0]!r} is not a known broker; use memory://")
