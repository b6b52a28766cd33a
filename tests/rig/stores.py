"""Where an installation keeps and carries things: its database and its broker, and the processes it is made of."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psycopg

from tests.rig.brokers import Broker, RabbitBroker, RedisBroker
from tests.rig.postgres import Postgres
from tests.services.postgres import Database

StoreName = Literal["sqlite", "postgres", "postgres+redis", "postgres+rabbitmq"]
TEAM = ("web", "worker", "worker", "worker")


@dataclass(frozen=True)
class Store:
    """Servers that stay up over many cases. Without `postgres` it is SQLite, without `broker` it is memory."""

    name: StoreName
    processes: tuple[str, ...]
    postgres: Postgres | None = None
    broker: Broker | None = None

    def database(self) -> Database | None:
        """A fresh database; None where it is a file of the home."""
        return self.postgres.database() if self.postgres else None

    def settings(self, url: str) -> dict[str, object]:
        """What an installation on it is told."""
        given = {"database_url": url, "broker_url": self.broker.url if self.broker else ""}
        return {name: value for name, value in given.items() if value}


def sqlite(_: Path) -> contextlib.AbstractContextManager[Store]:
    """The embedded default."""
    return contextlib.nullcontext(Store("sqlite", ("up",)))


def on_postgres(name: StoreName, make: Callable[[Path], Broker] | None) -> Callable[[Path], Any]:
    """PostgreSQL with that broker, if any."""

    @contextlib.contextmanager
    def opened(folder: Path) -> Iterator[Store]:
        with Postgres() as postgres, make(folder / name) if make else contextlib.nullcontext() as broker:
            yield Store(name, TEAM, postgres, broker)

    return opened


STORES: dict[StoreName, Callable[[Path], contextlib.AbstractContextManager[Store]]] = {
    "sqlite": sqlite,
    "postgres": on_postgres("postgres", None),
    "postgres+redis": on_postgres("postgres+redis", RedisBroker),
    "postgres+rabbitmq": on_postgres("postgres+rabbitmq", RabbitBroker),
}


class Reader:
    """Looks into the database beside the running processes, past the row policies. SQL has ? for its values;
    moments are in UTC."""

    def __init__(self, home: Path, database: Database | None) -> None:
        self._file = home / "todoke.db"
        self._admin = database.admin if database else ""

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the query finds. Raises the driver's error while the database is away."""
        if self._admin:
            with psycopg.connect(self._admin, connect_timeout=3) as conn:
                return conn.execute(sql.replace("?", "%s"), values).fetchall()
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=10)) as conn:
            written = [one.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(one, datetime) else one for one in values]
            return conn.execute(sql, written).fetchall()
