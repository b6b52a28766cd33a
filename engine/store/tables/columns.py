"""Kinds of columns that every table uses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, text
from sqlmodel import Field

# SQLite counts rowids only for INTEGER PRIMARY KEY; PostgreSQL wants 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")


def row_id() -> Any:
    return Field(default=None, sa_column=Column(Id, primary_key=True, autoincrement=True))


def ref(table: str = "", *, index: bool = False, optional: bool = False, key: bool = False) -> Any:
    """The id of a row elsewhere, as wide as ids are."""
    options: dict[str, Any] = {"foreign_key": f"{table}.id"} if table else {}
    if optional:
        options["default"] = None
    return Field(sa_type=BigInteger, index=index, primary_key=key, **options)


def json() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def sealed() -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=True))


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the few rows that wait, not over the many that are done."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
