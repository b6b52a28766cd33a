"""Statements that are compiled once: by `Bulk` for many rows, each of which then costs a tuple and no more (or a place
in one array: `together`), and by `Query` for one execution, which then costs what the driver takes for it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, GenerativeSelect, Insert, Update, UpdateBase

from engine.store import driver
from engine.store.session import Tx
from engine.store.together import Together, light, together

Row = Mapping[str, Any]
Prepare = Callable[[Any], Any] | None


@dataclass(frozen=True)
class _Text:
    """The text for one database, and its parameters: the name in a row, what prepares the value for the driver.
    `fixed` are values that stand in the statement itself."""

    text: str
    parameters: Sequence[tuple[str, Prepare]]
    positional: bool
    fixed: Row

    def execute(self, conn: Connection, rows: Iterable[Row]) -> None:
        driver.repeated(conn, self.text, self.rows(rows))

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
    """A statement for many rows. Every one must have the names of the first; it returns nothing."""

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self._statement = statement
        self._texts: dict[tuple[str, bool], _Text | Together] = {}

    def __call__(self, tx: Tx, rows: Sequence[Row]) -> None:
        """Execute it for these rows, if there are any. Raises what executing the statement would."""
        if not rows:
            return
        conn = tx.conn
        as_one = tx.locks_rows and isinstance(self._statement, Insert) and light(rows)
        text = self._texts.get((conn.dialect.name, as_one))
        if text is None:
            text = self._texts[conn.dialect.name, as_one] = self._compiled(conn.dialect, rows[0], as_one)
        text.execute(conn, rows)

    def _compiled(self, dialect: Dialect, row: Row, as_one: bool) -> _Text | Together:
        if not isinstance(self._statement, Insert):
            return _text(self._statement.compile(dialect=dialect), dialect, row)
        if as_one:
            return together(self._statement, list(row), dialect)
        return _text(self._statement.compile(dialect=dialect, column_keys=list(row)), dialect, row)


class Query:
    """A statement that gives rows: a SELECT, or a change with RETURNING. Its columns need names that differ."""

    def __init__(self, statement: GenerativeSelect | UpdateBase) -> None:
        self._statement = statement
        self._texts: dict[str, _Text] = {}
        self._reads: dict[str, Callable[[list[Any]], list[Any]]] = {}

    def __call__(self, tx: Tx, **values: Any) -> list[Any]:
        """The rows, each a named tuple. Raises what executing the statement would."""
        conn = tx.conn
        name = conn.dialect.name
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = _text(self._statement.compile(dialect=conn.dialect), conn.dialect, values)
        rows, described = driver.described(conn, text.text, text.rows((values,))[0])
        read = self._reads.get(name)
        if read is None:
            read = self._reads[name] = _reading(self._statement.exported_columns, described, conn.dialect)
        return read(rows)

    def firsts(self, tx: Tx, **values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self(tx, **values)]

    def one(self, tx: Tx, **values: Any) -> Any:
        """The only row. Raises ValueError when there is none, or more than one."""
        (row,) = self(tx, **values)
        return row


def _reading(columns: Iterable[Any], described: Sequence[Any], dialect: Dialect) -> Callable[[list[Any]], list[Any]]:
    """What makes named tuples of a driver's rows; `described` says how the driver calls the types of the columns."""
    columns = list(columns)
    made = [
        column.type.dialect_impl(dialect).result_processor(dialect, said[1])
        for column, said in zip(columns, described, strict=True)
    ]
    readers = [(place, reader) for place, reader in enumerate(made) if reader is not None]
    row = namedtuple("Row", [column.name for column in columns])  # type: ignore[misc] # the names are known only now

    def read(found: list[tuple[Any, ...]]) -> list[Any]:
        if not readers:
            return list(map(row._make, found))
        rows = []
        for one in found:
            values = list(one)
            for place, reader in readers:
                values[place] = reader(values[place])
            rows.append(row._make(values))
        return rows

    return read


def _text(made: Any, dialect: Dialect, given: Row) -> _Text:
    order = made.positiontup or list(made.binds)
    types = {name: made.binds[name].type.dialect_impl(dialect) for name in order}
    fixed = {name: made.binds[name].value for name in order if name not in given}
    if missing := [name for name in fixed if made.binds[name].required]:
        raise TypeError(f"the statement wants {', '.join(missing)} too: {made}")
    return _Text(
        str(made), [(name, types[name].bind_processor(dialect)) for name in order], bool(made.positiontup), fixed
    )
