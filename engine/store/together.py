"""An INSERT of many rows as one statement of PostgreSQL, whose rows are one parameter: an array in JSON.

The driver would send a statement for every row, which costs it six times as much. Only bytes travel better by
themselves: JSON doubles them, and PostgreSQL reads it letter by letter (decision 0013).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Insert, bindparam, column, func, select
from sqlalchemy.types import LargeBinary, TypeEngine

from engine.store import driver
from engine.store.engines import as_json
from engine.store.tables.instant import Instant

ROWS = "rows"  # the parameter; no column of ours is called so
LIGHT = 128  # bytes of a row: a key, an address; not a state or a letter


@dataclass(frozen=True)
class Together:
    """The text, the values that stand in the statement itself, and what becomes of those that JSON does not know."""

    text: str
    fixed: Mapping[str, Any]
    prepare: Sequence[tuple[str, Callable[[Any], Any]]]

    def execute(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for these rows. Raises sqlalchemy.exc.DBAPIError."""
        if self.prepare:
            rows = [{**row, **{name: prepare(row[name]) for name, prepare in self.prepare}} for row in rows]
        driver.changed(conn, self.text, {**self.fixed, ROWS: as_json(rows, default=str)})


def light(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Have the rows so few bytes that they are better sent together?"""
    heavy = sum(len(value) for row in rows for value in row.values() if type(value) is bytes)
    return heavy <= LIGHT * len(rows)


def together(statement: Insert, names: Sequence[str], dialect: Dialect) -> Together:
    """The statement for rows that give these columns. Where it says what to do about a row that is there already, no
    two rows may be the same one (PostgreSQL refuses that)."""
    types: dict[str, TypeEngine[Any]] = {name: statement.table.c[name].type for name in names}
    given = (
        func.json_to_recordset(bindparam(ROWS, type_=JSON))
        .table_valued(*(column(name, kind) for name, kind in types.items()))
        .render_derived("given", with_types=True)
    )
    made: Any = statement.from_select(names, select(*given.c), include_defaults=False).compile(dialect=dialect)
    fixed = {name: _value(bind, dialect) for bind, name in made.bind_names.items() if name != ROWS}
    makers = {name: maker for name, kind in types.items() if (maker := _maker(kind, dialect))}
    return Together(str(made), fixed, list(makers.items()))


def _value(bind: Any, dialect: Dialect) -> Any:
    prepare = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return prepare(bind.value) if prepare else bind.value


def _maker(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes a value JSON: bytes are written as PostgreSQL reads them, a moment must have its zone."""
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else f"\\x{value.hex()}"
    return kind.bind_processor(dialect) if isinstance(kind, Instant) else None
