"""Redis as the broker, with a bell beside every queue.

Dramatiq asks Redis for messages and sleeps when there are none, each time for longer: a hint then waits for most of
the idle timeout, and an idle installation asks all day. A consumer of ours waits in BLPOP, which costs nothing, until
somebody rings; a ring that is lost costs one `timeout`.
"""

from __future__ import annotations

from typing import Any

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed

RINGS = 64  # kept at most: each wakes one consumer, and whoever is awake takes all there is


class BellBroker(RedisBroker):
    """Rings after every message."""

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        """How messages are waited for."""
        return BellConsumer

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueue a message, then ring."""
        enqueued: Message[Any] = super().enqueue(message, delay=delay)
        bell = self.bell(message.queue_name)
        with self.client.pipeline(transaction=False) as both:
            both.lpush(bell, 1)
            both.ltrim(bell, 0, RINGS - 1)
            both.execute()
        return enqueued

    def bell(self, queue_name: str) -> str:
        """The key of a queue's bell."""
        return f"{self.namespace}:{queue_name}.bell"


class BellConsumer(_RedisConsumer):
    """Waits for the bell where Dramatiq sleeps."""

    broker: BellBroker

    def __next__(self) -> Any:
        """A message, or None when none has come within the idle timeout. Raises ConnectionClosed."""
        found = self._taken()
        # Whoever has taken all he may leaves the ring to another.
        if found is not None or self.outstanding_message_count >= self.prefetch:
            return found
        try:
            self.broker.client.blpop([self.broker.bell(self.queue_name)], timeout=max(1, self.timeout // 1000))
        except redis.TimeoutError:  # the server is slow, or this client's patience shorter than the idle timeout
            return None
        except redis.ConnectionError as away:
            raise ConnectionClosed(away) from None  # type: ignore[no-untyped-call]
        return self._taken()

    def _taken(self) -> Any:
        self.misses = 0  # so that a miss sleeps for the shortest time
        return super().__next__()  # type: ignore[no-untyped-call]
