"""The Dramatiq broker. It only carries hints, so it may lose everything at any time."""

from __future__ import annotations

from queue import Full, Queue
from typing import Any

from dramatiq import Broker, Message
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AgeLimit, Middleware, ShutdownNotifications, TimeLimit

HINTS = 1_000  # waiting in memory at most; more would say nothing new
OLDEST_MS = 60_000  # an older hint is stale: the sweeper has looked since
PATIENCE = 2.0  # seconds to wait for a broker's server


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
    """The broker of that URL: memory://, redis:// (rediss://) or amqp:// (amqps://).

    Only what a server needs is imported. Raises ValueError for a scheme that is not known.
    """
    middleware: list[Middleware] = [AgeLimit(max_age=OLDEST_MS), TimeLimit(), ShutdownNotifications()]
    match url.partition(":")[0]:
        case "memory":
            return MemoryBroker(middleware=middleware)
        case "redis" | "rediss":
            return _redis(url, middleware)
        case "amqp" | "amqps":
            from engine.work.quorum import QuorumBroker

            return QuorumBroker(url=url, confirm_delivery=True, middleware=middleware)
        case scheme:
            raise ValueError(f"TODOKE_BROKER_URL: {scheme!r} is no broker; use memory://, redis:// or amqp://")


def crosses_processes(url: str) -> bool:
    """Do hints reach workers in other processes?"""
    return not url.startswith("memory:")


def _redis(url: str, middleware: list[Middleware]) -> Broker:
    from redis import Redis

    from engine.work.bell import BellBroker

    # A server that is away must not hold up an intake: a lost hint costs a second, a hanging one much more.
    client = Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, health_check_interval=30)
    # By default Dramatiq looks for messages of dead workers once in a thousand commands; hints are few.
    return BellBroker(  # type: ignore[no-untyped-call]
        client=client, namespace="todoke", middleware=middleware, maintenance_chance=1_000_000
    )
