"""Moments as columns: aware, in UTC, and quick, because a message touches two dozen of them on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, TypeDecorator


class Instant(TypeDecorator[datetime]):
    """Stored like SQLModel's UTCDateTime ("2026-04-08 01:00:00.000000" in SQLite, timestamptz in PostgreSQL), with one
    step in place of three. Raises ValueError for a naive datetime: nobody could say when that was."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """Datetime -> what the driver takes."""
        return _written if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], datetime | None]:
        """What the driver gives -> datetime in UTC."""
        return _read if dialect.name == "sqlite" else _aware


def _aware(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _written(value: datetime | None) -> str | None:
    moment = _aware(value)
    return None if moment is None else moment.isoformat(" ", "microseconds")[:26]


def _read(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)
