"""Endpoints that merchants, or the operator, are told events at; and the events that are to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import partial, ref, row_id, sealed


class Hook(SQLModel, table=True):
    """An endpoint. Without a merchant it is the operator's and hears of all. Times are real time."""

    id: str = Field(primary_key=True)
    merchant_id: int | None = ref("merchant", index=True, optional=True)
    url: str
    events: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))  # patterns; none: all
    sealed_secrets: bytes | None = sealed()  # newest first; two while one is being replaced
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_for: str | None = None
    failures: int = 0  # in a row
    failing_since: datetime | None = None
    rest_until: datetime | None = None  # nothing is posted to it before
    ok_at: datetime | None = None
    reason: str | None = None  # of the last failure


class HookCall(SQLModel, table=True):
    """One event to be told to one endpoint: written with what has happened, in one commit. `due_at` is set until it
    comes to its end; whoever takes it moves that on by a lease. Times are real time, but for `at`."""

    __tablename__ = "hook_call"
    __table_args__ = (
        Index("hook_call_hook", "hook_id", "id"),
        partial("hook_call_due", "hook_id", "due_at", where="due_at IS NOT NULL AND type >= ''"),
        partial("hook_call_order", "hook_id", "subject_id", "id", where="due_at IS NOT NULL AND public_id >= ''"),
    )
    id: int | None = row_id()
    public_id: str = Field(unique=True)  # webhook-id: the same with every try
    hook_id: str = Field(foreign_key="hook.id")
    merchant_id: int = ref()
    subject_id: int = ref()
    type: str
    at: datetime
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    due_at: datetime | None = None
    fence: int = 0
    tries: int = 0
    status: str = "waiting"  # waiting | told | refused | given_up | held
    code: int | None = None  # the endpoint's last answer
    reason: str | None = None
    ended_at: datetime | None = None
