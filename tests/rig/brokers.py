"""A broker of the rig's own that can be emptied, stopped and started again."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from tests.services import servers
from tests.services.ports import free_port


class Broker:
    """Started by `with`, ended with it. `url` stays the same over a restart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.url = ""
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, as it was set up."""

    def stop(self) -> None:
        """Stop it; what it held in memory is gone."""
        self._running.close()

    def forget(self) -> int:
        """Let it lose every hint it holds; returns how many times something was thrown away."""
        raise NotImplementedError


class RedisBroker(Broker):
    """Redis that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()

    def start(self) -> None:
        self.url = self._running.enter_context(servers.redis(self.folder, self._port))

    def forget(self) -> int:
        from redis import Redis

        with Redis.from_url(self.url) as client:
            client.flushall()
        return 1


class RabbitBroker(Broker):
    """One RabbitMQ node. Its queues are purged and deleted in turn."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._environment = servers.rabbit_environment(folder)
        self._delete = False
        self._names: list[str] = []

    def start(self) -> None:
        self.url = self._running.enter_context(servers.rabbitmq(self.folder, self._environment))

    def forget(self) -> int:
        import pika

        self._delete = not self._delete
        self._names = self._names or self._queues()  # asking takes seconds
        thrown = 0
        for name in self._names:
            # A queue that somebody is just declaring may cost the channel, or with an internal error the connection.
            with (
                contextlib.suppress(pika.exceptions.AMQPError),
                pika.BlockingConnection(pika.URLParameters(self.url)) as connection,
            ):
                channel = connection.channel()
                channel.queue_delete(name) if self._delete else channel.queue_purge(name)
                thrown = 1
        return thrown

    def _queues(self) -> list[str]:
        command = servers.program("/usr/lib/rabbitmq/bin/rabbitmqctl", "rabbitmqctl")
        words = ["-q", "-n", self._environment["RABBITMQ_NODENAME"], "list_queues", "--no-table-headers", "name"]
        ran = subprocess.run([command, *words], env=self._environment, capture_output=True, text=True, check=False)
        return ran.stdout.split()
