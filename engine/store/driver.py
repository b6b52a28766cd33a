"""Statements whose text is known go straight to the driver: SQLAlchemy's way there takes several times as long as
SQLite needs to run them, and a message that travels alone needs sixty. What fails, fails as SQLAlchemy tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def fetched(conn: Connection, text: str, values: Any = ()) -> list[tuple[Any, ...]]:
    """The rows that a statement gives, as the driver gives them. Raises sqlalchemy.exc.DBAPIError."""
    return described(conn, text, values)[0]


def described(conn: Connection, text: str, values: Any) -> tuple[list[tuple[Any, ...]], list[Any]]:
    """The rows, and what the driver calls the type of each column. Raises sqlalchemy.exc.DBAPIError."""
    found: tuple[list[tuple[Any, ...]], list[Any]] = _told(
        conn, text, values, lambda cursor: _all(cursor.execute(text, values))
    )
    return found


def changed(conn: Connection, text: str, values: Any = ()) -> int:
    """Execute a statement that gives no rows; how many it has changed. Raises sqlalchemy.exc.DBAPIError."""
    count: int = _told(conn, text, values, lambda cursor: cursor.execute(text, values) and cursor.rowcount)
    return count


def repeated(conn: Connection, text: str, rows: Sequence[Any]) -> None:
    """Execute a statement for each of these rows. Raises sqlalchemy.exc.DBAPIError."""
    if len(rows) == 1:
        changed(conn, text, rows[0])
    else:
        _told(conn, text, rows, lambda cursor: cursor.executemany(text, rows))


def _all(cursor: Any) -> tuple[list[tuple[Any, ...]], list[Any]]:
    return cursor.fetchall(), cursor.description


def _told(conn: Connection, text: str, values: Any, work: Callable[[Any], Any]) -> Any:
    cursor = conn.connection.cursor()
    try:
        return work(cursor)
    except conn.dialect.loaded_dbapi.Error as failed:
        raise _wrapped(conn, text, values, cursor, failed) from failed
    finally:
        cursor.close()


def _wrapped(conn: Connection, text: str, values: Any, cursor: Any, failed: Exception) -> BaseException:
    """The error as `Connection.execute` would raise it; a connection that is gone is not given back to the pool."""
    gone = conn.dialect.is_disconnect(failed, conn.connection, cursor)  # type: ignore[arg-type] # the pool's own
    if gone:
        conn.invalidate(failed)
    known = conn.dialect.loaded_dbapi.Error
    return DBAPIError.instance(
        text, values, failed, known, hide_parameters=True, connection_invalidated=gone, dialect=conn.dialect
    )
