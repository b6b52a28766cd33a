"""The intake's chute into the inbox: one kept connection and the driver itself.

SQLAlchemy spends more time on a transaction of few rows than the database does, and the intake makes hundreds in a
second. To PostgreSQL begin, rows and commit travel together: one round trip.

A delivery is sealed by whoever brings it (`pack`) and not by the thread that commits (`put`): two threads that compute
side by side take the interpreter from each other, and the commit waited for it longer than for the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from engine.store.inbox import Raw, sealed, statements
from engine.store.session import Store, binding

Packed = tuple[Any, ...]
Todo = tuple[str, tuple[Any, ...]]  # a statement and its values
BOUND = binding(None)  # deliveries are put down before anybody looks into them


class Chute:
    """Puts deliveries down. `put` and `close`, which gives the connection back, are for one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._driver: Any = store.engine.dialect.dbapi
        self._kept: Any = None  # a connection of the pool, checked out

    def pack(self, delivery: Raw) -> Packed:
        """The delivery as it will lie in the database; in any thread. Raises UnicodeError for a name that is none."""
        return sealed(self._store.vault, delivery, postgres=self._store.writer is None)

    def put(self, deliveries: Sequence[Packed]) -> None:
        """Commit packed deliveries; those known already change nothing. Raises the driver's errors: then none is
        stored, or nobody knows.

        A connection that broke, maybe because the server was started anew since, is tried once more: whatever became of
        the first commit, doing it again changes nothing.
        """
        may_be_stale = self._kept is not None and self._store.writer is None
        try:
            self._commit(deliveries)
        except (self._driver.OperationalError, self._driver.InterfaceError):
            if not may_be_stale:
                raise
            self._commit(deliveries)

    def about_rows(self, failed: Exception) -> bool:
        """Is it what stands in a row that the database does not take, so that others alone would be taken?"""
        return isinstance(failed, (self._driver.DataError, self._driver.IntegrityError, UnicodeError))

    def close(self) -> None:
        """Give the connection up: the next delivery opens another."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.invalidate()

    def _commit(self, deliveries: Sequence[Packed]) -> None:
        writer = self._store.writer
        todo = list(statements(deliveries, "$" if writer is None else "?"))
        try:
            if self._kept is None:
                self._kept = self._store.engine.raw_connection()
            if writer is None:
                self._postgres(self._kept.driver_connection, todo)
            else:
                with writer:
                    _sqlite(self._kept.driver_connection, todo)
        except BaseException:
            self.close()
            raise

    def _postgres(self, conn: Any, todo: Sequence[Todo]) -> None:
        together = conn.pipeline() if self._driver.Pipeline.is_supported() else nullcontext()
        with together:
            conn.execute("BEGIN")
            conn.execute(BOUND)
            cursor = self._driver.RawCursor(conn)  # takes the statement as it is: the others read it through every time
            for statement, values in todo:
                cursor.execute(statement, values)
            conn.commit()


def _sqlite(conn: Any, todo: Sequence[Todo]) -> None:
    conn.execute("BEGIN IMMEDIATE")
    try:
        for statement, values in todo:
            conn.execute(statement, values)
        conn.execute("COMMIT")
    except BaseException:
        conn.rollback()  # while no other writer waits for the file
        raise
