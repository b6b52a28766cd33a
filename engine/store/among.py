"""`column IN (...)` in one text, however many values there are: a driver prepares a statement only when it meets
the same text again, and with row policies PostgreSQL needs longer to plan most of ours than to run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, String, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


class _Many(TypeDecorator[Any]):
    """A collection of values as one parameter: an array for PostgreSQL, JSON for SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the parameter."""
        return dialect.type_descriptor(ARRAY(self.of) if dialect.name == "postgresql" else String())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Any collection -> what the driver takes."""
        return list if dialect.name == "postgresql" else _json


def _json(values: Any) -> str:
    return orjson.dumps(list(values)).decode()


class Among(FunctionElement[bool]):
    """Is the first argument one of the values of the second?"""

    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Among:
        """Itself: SQLAlchemy would write `= 1` behind it for SQLite, and then no index is used."""
        return self


def among(column: ColumnElement[Any], parameter: str) -> Among:
    """The column holds one of the values that are given to the statement under this name."""
    return Among(column, bindparam(parameter, type_=_Many(column.type)))


@compiles(Among)
def _in_json(element: Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both are SQLAlchemy's own


@compiles(Among, "postgresql")
def _in_array(element: Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({values})"
