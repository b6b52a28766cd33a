"""RabbitMQ as the broker: quorum queues, publishing confirmed by the server."""

from __future__ import annotations

from typing import Any

from dramatiq.brokers.rabbitmq import RabbitmqBroker


class QuorumBroker(RabbitmqBroker):
    """Dramatiq declares classic queues; quorum queues are the kind that survives the loss of a node."""

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return {**super()._build_queue_arguments(queue_name), "x-queue-type": "quorum"}  # type: ignore[no-untyped-call]
