"""Reaching people: links, suppressions, consent, pauses, and keys to the console."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import ref, row_id


class Token(SQLModel, table=True):
    """A capability in a link; only its SHA-256 is kept."""

    hash: str = Field(primary_key=True)
    kind: str  # tracking | unsubscribe
    merchant_id: int = ref()
    subject_id: int = ref(index=True)
    message_id: int | None = ref(optional=True)
    created_at: datetime
    expires_at: datetime | None = None


class Suppression(SQLModel, table=True):
    """An endpoint we must not write to, for purposes in `scope`."""

    merchant_id: int = ref("merchant", key=True)
    endpoint_index: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)  # all | service | promotional
    reason: str
    created_at: datetime


class ConsentRow(SQLModel, table=True):
    """What a person has agreed to or withdrawn, append-only; the newest row of a purpose counts."""

    __tablename__ = "consent"
    __table_args__ = (Index("consent_person", "merchant_id", "person_index"),)
    id: int | None = row_id()
    merchant_id: int = ref()
    person_index: str
    channel: str
    purpose: str
    granted: bool
    basis: str
    source: str
    at: datetime


class Pause(SQLModel, table=True):
    """Sending stopped by an operator, read in T4. Empty columns mean "all"."""

    id: int | None = row_id()
    merchant_id: int | None = ref(optional=True)
    journey: str | None = None
    reason: str
    created_at: datetime


class AccessKey(SQLModel, table=True):
    """A key to the console and API; only its SHA-256 is kept."""

    hash: str = Field(primary_key=True)
    name: str
    merchant_id: int | None = ref(optional=True)
    created_at: datetime
    last_used_at: datetime | None = None
