"""What is to be asked of the systems behind connections, and what they said that nobody has mapped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Text
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import partial
from engine.store.tables.columns import ref as belongs


class Errand(SQLModel, table=True):
    """Something to ask of a connection's system. Times are real time.

    While `lease_until` lies ahead nobody else asks the connection anything: somebody is at it, or it must rest
    (`held_for`, or the least time between two requests). The unique index makes the database itself see to that:
    two workers with one refresh token would make each other's worthless.
    """

    __table_args__ = (
        partial("errand_asking", "connection_id", where="lease_until IS NOT NULL", unique=True),
        partial("errand_due", "due_at", where="due_at IS NOT NULL AND kind >= ''"),
        partial("errand_turn", "connection_id", "due_at", where="due_at IS NOT NULL AND ref >= ''"),
    )
    connection_id: str = Field(primary_key=True, foreign_key="connection.id")
    kind: str = Field(primary_key=True)  # poll | backfill | fetch | subscribe | check
    ref: str = Field(primary_key=True, default="")  # of a fetch: what it is to get
    merchant_id: int | None = belongs(optional=True)
    due_at: datetime | None = None  # none: nothing to do, until somebody asks for it again
    lease_until: datetime | None = None
    holder: str | None = None  # whoever is at it, by a name of this one claim
    tries: int = 0  # since it last came to an end
    asked: int = 1  # how often it was asked for: once more while it is under way means once more after that
    latest_at: datetime  # it is due no later, however often it is asked for
    since: datetime  # what changed before is history
    backfill: bool = False  # what comes of it is history, whenever it changed
    cursor: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    held_for: str | None = None  # rate | quota | login: why the connection rests
    why: str | None = None  # it has failed, and nothing has gone well since
    reason: str | None = None
    failing_since: datetime | None = None
    ok_at: datetime | None = None
    found: int = 0  # records so far, known ones among them
    findings: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))


class Unmapped(SQLModel, table=True):
    """A status of a source that stands in no table of ours, and how often it came."""

    connection_id: str = Field(primary_key=True, foreign_key="connection.id")
    status: str = Field(primary_key=True)
    merchant_id: int | None = belongs(optional=True)
    scan: bool = False  # of a parcel's scan: a setting of the connection may map it
    count: int = 0
    first_at: datetime
    last_at: datetime
