"""Private servers for a round: PostgreSQL as safe as in production (fsync on), Redis, RabbitMQ.

They are started as the tests start theirs. Programs that are not there end the benchmark with the test's words.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rounds import cpu_of
from tests.services import postgres as services
from tests.services.servers import rabbitmq, redis

DATABASES = ("sqlite", "postgres")
BROKERS = ("memory", "redis", "rabbitmq")
PAIRS = ("sqlite+memory", "postgres+redis", "postgres+rabbitmq")  # as they are usually run
# What a small server of one's own would have. The tests' settings leave vacuuming out.
TUNED = {"shared_buffers": "256MB", "max_wal_size": "4GB", "autovacuum": "on", "deadlock_timeout": "1s"}


def ask_on(asked: ArgumentParser) -> None:
    """Let the command choose what it runs on, as `database+broker`."""
    every = [f"{database}+{broker}" for database in DATABASES for broker in BROKERS]
    asked.add_argument("--on", nargs="+", default=PAIRS, choices=every)


@dataclass(frozen=True)
class Postgres:
    """A running server, and the process whose children do its work."""

    server: services.Server
    pid: int

    def cpu(self) -> float:
        """CPU seconds so far, of all its processes that live and of those that have ended."""
        return cpu_of(self.pid)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of one's own; its data are removed afterwards. Raises RuntimeError when it does not start."""
    programs = services.programs()
    if programs is None:
        raise RuntimeError("no PostgreSQL: apt-get install postgresql")
    made = services.initialise(programs, durable=True)
    command = [*map(str, made.program), *(word for name, value in TUNED.items() for word in ("-c", f"{name}={value}"))]
    with (made.data / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=made.data, stdout=log, stderr=log, **made.as_user)
    try:
        until = time.monotonic() + 30
        while not made.answers():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((made.data / "server.log").read_text())
            time.sleep(0.05)
        server = services.Server(made.url)
        server.prepare()
        yield Postgres(server=server, pid=process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        shutil.rmtree(made.data, ignore_errors=True)


@contextmanager
def broker(kind: str) -> Iterator[str]:
    """The URL of a broker of that kind, and nothing in it."""
    with TemporaryDirectory(prefix="todoke-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        match kind:
            case "memory":
                started = nullcontext("memory://")
            case "redis":
                started = redis(Path(folder))
            case "rabbitmq":
                started = rabbitmq(Path(folder))
            case _:
                raise ValueError(f"{kind!r}: one of {', '.join(BROKERS)}")
        with started as url:
            yield url
