"""SQLAlchemy engines as the two databases want them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from engine.store import driver


def as_json(value: Any, default: Callable[[Any], str] | None = None) -> str:
    """JSON, moments as ISO 8601; `default` writes what else json.dumps does not know. Raises TypeError for that."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits, which JSON may hold
        return json.dumps(value, default=default)


JSON = {"json_serializer": as_json, "json_deserializer": json.loads}
POOL = {"pool_size": 20, "max_overflow": 20}
# A worker that stops half-way (SIGSTOP, a cut network) must not hold its row locks for long: whoever waits for one of
# them is his process's only one at work.
IDLE_MS = 15_000
# The driver keeps the plan of a statement, and every statement of ours is meant for an index: one that was planned
# while its table was nearly empty must not read the whole of it when it is full. Said in SQL and not when connecting:
# poolers refuse what they do not know (PgBouncer: "unsupported startup parameter").
SESSION = f"""SET idle_in_transaction_session_timeout = {IDLE_MS}; SET enable_seqscan = off;
    SET enable_bitmapscan = off; SET jit = off"""
_OPENING = "opening"
RESTED = 0.5  # seconds: a connection that was used so recently is there; no database restarts as fast


def make_engine(url: str) -> Engine:
    """The engine for that URL: SQLite, or PostgreSQL by psycopg 3 however its URL is spelled. Raises
    sqlalchemy.exc.ArgumentError for another database, and for what is not a URL."""
    parsed = server_url(url)
    # hide_parameters: an error must never print the rows it was about.
    options: dict[str, Any] = {**POOL, **JSON, "hide_parameters": True}
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, options)
        case "postgresql":
            return _postgresql(parsed, options)
    raise ArgumentError(f"{parsed.get_backend_name()} is no database of ours; sqlite:/// or postgresql://")


def server_url(url: str) -> URL:
    """The URL, with the driver we use. Raises sqlalchemy.exc.ArgumentError for what is not a URL."""
    if url.startswith("postgres://"):  # as hosts hand it out; SQLAlchemy knows only the long name
        url = "postgresql" + url.removeprefix("postgres")
    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def insert_into(table: Table, *, postgres: bool) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what to do about a row that is there already; both databases spell it alike."""
    return postgresql.insert(table) if postgres else sqlite.insert(table)


def _postgresql(url: URL, options: dict[str, Any]) -> Engine:
    # What the URL says of these goes before what we say. The last is for a peer that is gone without a word.
    wanted = {"application_name": "todoke", "connect_timeout": "10", "tcp_user_timeout": "30000"}
    given = {name: value for name, value in wanted.items() if name not in url.query}
    engine = create_engine(url, connect_args=given, **options)

    @event.listens_for(engine, "connect")
    def _settings(raw: Any, _record: Any) -> None:
        raw.autocommit = True  # the driver would spend a round trip on a BEGIN of its own
        if "options" not in url.query:
            raw.execute(SESSION)

    # So that a restarted database costs nobody an error; a round trip for every transaction would cost a tenth of it.
    @event.listens_for(engine, "checkin")
    def _used(_raw: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _alive(raw: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("used", monotonic()) > RESTED:
            try:
                engine.dialect.do_ping(raw)
            except engine.dialect.loaded_dbapi.Error as gone:
                raise DisconnectionError from gone  # the pool takes another one

    return _beginning(engine)


def _sqlite(url: URL, options: dict[str, Any]) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30}, **options)

    @event.listens_for(engine, "connect")
    def _settings(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we begin ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "wal_autocheckpoint=4000",
        ):
            raw.execute(f"PRAGMA {pragma}")

    return _beginning(engine)


def opening(conn: Connection, text: str) -> None:
    """What the next transaction of this connection begins with, instead of BEGIN alone."""
    conn.info[_OPENING] = text


def _beginning(engine: Engine) -> Engine:
    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        driver.changed(conn, conn.info.pop(_OPENING, "BEGIN"))

    return engine
