"""Private Redis, RabbitMQ and PgBouncer for a test: on free ports of 127.0.0.1, in folders of their own, ended with it.

Each has a process group of its own, so that Ctrl-C reaches the tests alone, whose end is theirs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.services.ports import free_port
from tests.services.postgres import unprivileged


def program(*names: str) -> str:
    """The first of the programs that is here. Skips, which CI forbids, where none is."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"no {names[0]} on this machine: install it, or run .ci/run, which does")


def answers(port: int, process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Wait until the server listens. Raises AssertionError when it ends or does not come up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the server has ended by itself"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


@contextlib.contextmanager
def redis(folder: Path, port: int | None = None) -> Iterator[str]:
    """A Redis that keeps nothing on disk; its URL."""
    port = port or free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0)
    try:
        answers(port, server, seconds=10)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def pgbouncer(folder: Path, database: str) -> Iterator[str]:
    """A PgBouncer in session mode before the server of that database's URL; the URL by way of it. Whom it runs as
    must be able to read the folder: it refuses to be root."""
    behind, port = make_url(database), free_port()
    (folder / "users.txt").write_text(f'"{behind.username}" "{behind.password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={behind.host} port={behind.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {folder / 'users.txt'}\npool_mode = session\n"
    )
    as_whom = ["-u", unprivileged()] if unprivileged() else []
    command = [program("pgbouncer"), "-q", *as_whom, str(folder / "pgbouncer.ini")]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0)
    try:
        answers(port, server, seconds=10)
        yield behind.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        server.terminate()
        server.wait(10)


def rabbit_environment(folder: Path) -> dict[str, str]:
    """What makes a RabbitMQ node one of its own: data, cookie, name, ports, Erlang port mapper. Its commands need it
    too, and a node that is started again with it has kept what it had."""
    port = free_port()
    return {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": f"todoke{port}@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"), "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-", "RABBITMQ_PID_FILE": str(folder / "pid"), "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"), "RABBITMQ_CONF_ENV_FILE": str(folder / "env"),
        "ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }  # fmt: skip


@contextlib.contextmanager
def rabbitmq(folder: Path, environment: dict[str, str] | None = None) -> Iterator[str]:
    """A RabbitMQ node in that environment, or in a new one; its URL."""
    environment = environment or rabbit_environment(folder)
    port, mapper = int(environment["RABBITMQ_NODE_PORT"]), environment["ERL_EPMD_PORT"]
    command = program("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
    with open(folder / "rabbitmq.log", "ab") as log:
        server = subprocess.Popen([command], env=environment, cwd=folder, stdout=log, stderr=log, process_group=0)
        try:
            answers(port, server, seconds=60)
            yield f"amqp://guest:guest@127.0.0.1:{port}/%2F"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(10)
            # The node has started the port mapper as a daemon of its own; it is ours alone, by its port.
            subprocess.run([program("epmd"), "-port", mapper, "-kill"], check=False, capture_output=True, timeout=10)
