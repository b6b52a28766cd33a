"""Statements that are executed for many rows: compiled once, then each row costs a tuple and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Delete, Dialect, Insert, Update

from engine.store.session import Tx

Row = Mapping[str, Any]
Prepare = Callable[[Any], Any] | None


@dataclass(frozen=True)
class _Compiled:
    """The text for one database, and its parameters: the name in a row, what prepares the value for the driver.
    `fixed` are values that stand in the statement itself."""

    text: str
    parameters: Sequence[tuple[str, Prepare]]
    positional: bool
    fixed: Row

    def rows(self, rows: Iterable[Row]) -> list[Any]:
        if self.fixed:
            rows = [{**self.fixed, **row} for row in rows]
        if self.positional:
            return [
                tuple([row[name] if prepare is None else prepare(row[name]) for name, prepare in self.parameters])
                for row in rows
            ]
        return [
            {name: row[name] if prepare is None else prepare(row[name]) for name, prepare in self.parameters}
            for row in rows
        ]


class Bulk:
    """A statement for many rows. Every row must have the names of the first one; it returns nothing."""

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def __call__(self, tx: Tx, rows: Sequence[Row]) -> None:
        """Execute it for these rows, if there are any. Raises what executing the statement would."""
        if not rows:
            return
        conn = tx.conn
        compiled = self._compiled.get(conn.dialect.name)
        if compiled is None:
            compiled = self._compiled[conn.dialect.name] = _compile(self._statement, conn.dialect, list(rows[0]))
        conn.exec_driver_sql(compiled.text, compiled.rows(rows))


def _compile(statement: Insert | Update | Delete, dialect: Dialect, names: list[str]) -> _Compiled:
    made: Any = statement.compile(dialect=dialect, column_keys=names if isinstance(statement, Insert) else None)
    order = made.positiontup or list(made.binds)
    types = {name: made.binds[name].type.dialect_impl(dialect) for name in order}
    fixed = {name: made.binds[name].value for name in order if name not in names}
    return _Compiled(
        str(made), [(name, types[name].bind_processor(dialect)) for name in order], bool(made.positiontup), fixed
    )
