"""Subjects, the log they are folded from, and what has happened to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import partial, ref, row_id, sealed


class Subject(SQLModel, table=True):
    """One order with its parcels and returns. `key` is its own data key, wrapped: erasing destroys it."""

    __table_args__ = (
        Index("subject_number", "number", "merchant_id"),
        Index("subject_person", "email_index"),  # it is another one with every merchant
        partial("subject_phone", "phone_index", where="phone_index IS NOT NULL"),
        Index("subject_recent", "merchant_id", "updated_at"),
    )
    id: int | None = row_id()
    merchant_id: int = ref("merchant")
    version: int = 0
    wrapped_key: bytes | None = sealed()
    sealed_state: bytes | None = sealed()
    number: str | None = None  # normalised by engine.rules.identify.order_number
    email_index: str | None = None
    phone_index: str | None = None  # of the number in E.164, as messages reach it (engine.rules.phone)
    stage: str = "new"  # newest milestone, for lists
    placed_at: datetime | None = None
    updated_at: datetime
    joined_into: int | None = ref(optional=True)  # the subject that this one turned out to be


class Alias(SQLModel, table=True):
    """A source's name of an order, parcel or return -> the subject."""

    merchant_id: int = ref("merchant", key=True)
    name: str = Field(primary_key=True)
    subject_id: int = ref("subject", index=True)


class ObservationRow(SQLModel, table=True):
    """The log that facts are folded from."""

    __tablename__ = "observation"
    id: int | None = row_id()
    merchant_id: int = ref()
    subject_id: int = ref("subject", index=True)
    inbox_id: int | None = ref(index=True, optional=True)
    connection_id: str
    digest: str
    kind: str
    as_of: datetime
    received_at: datetime
    sealed_body: bytes | None = sealed()


class EventRow(SQLModel, table=True):
    """What has happened to a subject. `muted` says why an event starts no journey ("backfill", "too old")."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("subject_id", "key"), Index("event_recent", "merchant_id", "recorded_at"))
    id: int | None = row_id()
    merchant_id: int = ref()
    subject_id: int = ref("subject")
    type: str
    key: str
    occurred_at: datetime
    recorded_at: datetime
    shipment: str | None = None
    return_key: str | None = None
    muted: str | None = None
