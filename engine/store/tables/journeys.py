"""Journeys in flight: versions, switches, runs, messages, attempts, and the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, SmallInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import json, partial, ref, row_id, sealed


class JourneyVersion(SQLModel, table=True):
    """A journey as it was when a run started; runs in flight keep theirs when the file changes."""

    digest: str = Field(primary_key=True)
    name: str
    body: dict[str, Any] = json()


class JourneySwitch(SQLModel, table=True):
    """A merchant's choice to run a journey or not; without a row the file's default holds."""

    merchant_id: int = ref("merchant", key=True)
    journey: str = Field(primary_key=True)
    enabled: bool
    changed_at: datetime


class RunRow(SQLModel, table=True):
    """One subject in one journey. `wake_at` is its wakeup."""

    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("merchant_id", "journey", "subject_id", "key"),
        Index("run_subject", "subject_id"),
        partial("run_wakeup", "wake_at", where="wake_at IS NOT NULL AND event_type >= ''"),
        partial("run_turn", "merchant_id", "wake_at", where="wake_at IS NOT NULL AND journey >= ''"),
    )  # fmt: skip
    id: int | None = row_id()
    merchant_id: int = ref()
    subject_id: int = ref("subject")
    journey: str
    digest: str
    key: str
    event_type: str
    event_key: str
    anchor: datetime
    shipment: str | None = None
    return_key: str | None = None
    position: int = 0
    state: str = "active"  # active | ended
    reason: str | None = None
    awaiting: str | None = None  # message | event | time
    awaited: str | None = None
    wake_at: datetime | None = None
    sent: int = 0
    started_at: datetime
    ended_at: datetime | None = None


class MessageRow(SQLModel, table=True):
    """One notification to one person. The unique key is promise P3: there is never a second row for it."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("merchant_id", "journey", "step", "subject_id", "run_key", "recipient", "occurrence"),
        partial("message_due", "due_at", "id", where="status = 'planned' AND template >= ''"),
        partial("message_turn", "lane", "merchant_id", "due_at", "id", where="status = 'planned' AND journey >= ''"),
        partial("message_held", "lease_until", where="status IN ('leased', 'sending')"),
        partial("message_silent", "silent_at", where="silent_at IS NOT NULL"),
        partial("message_trouble", "status", "due_at", "merchant_id", where="status IN ('unknown', 'dead')"),
        Index("message_subject", "subject_id"),
        Index("message_recent", "merchant_id", "planned_at"),
    )  # fmt: skip
    id: int | None = row_id()
    public_id: str = Field(unique=True)
    merchant_id: int = ref()
    subject_id: int = ref("subject")
    run_id: int | None = ref(optional=True)
    journey: str
    digest: str
    step: str
    run_key: str
    recipient: str  # role: orderer | recipient
    occurrence: str = "1"
    shipment: str | None = None
    return_key: str | None = None
    event_key: str  # of the event that started the run
    anchor: datetime  # when that happened which the message tells of
    template: str
    purpose: str
    lane: int = Field(default=0, sa_type=SmallInteger, sa_column_kwargs={"server_default": "0"})  # model.consent.lane
    passed_over: str = Field(default="", sa_column_kwargs={"server_default": ""})  # media that were silent too long
    channel: str | None = None
    connection_id: str | None = None
    status: str = "planned"
    reason: str | None = None
    awaits: str | None = None  # contact | resume: due again when that comes
    planned_at: datetime
    due_at: datetime
    expires_at: datetime
    sent_at: datetime | None = None
    silent_at: datetime | None = None  # sent, but no receipt by then: by another medium
    fence: int = 0
    lease_until: datetime | None = None  # real time
    tries: int = 0
    first_armed_at: datetime | None = None
    provider_ref: str | None = None
    sealed_address: bytes | None = sealed()
    sealed_line: bytes | None = sealed()  # the subject line as sent
    sealed_request: bytes | None = sealed()  # the exact bytes


class Attempt(SQLModel, table=True):
    """One try at one channel; open while `outcome` is empty."""

    __table_args__ = (Index("attempt_recent", "armed_at"),)
    message_id: int = ref("message", key=True)
    n: int = Field(primary_key=True)
    merchant_id: int = ref()
    connection_id: str
    fence: int
    armed_at: datetime
    batch: int | None = None  # how many messages its request may carry; empty: this one alone
    ended_at: datetime | None = None
    outcome: str | None = None  # accepted | rejected | deferred | ambiguous
    scope: str | None = None
    code: str | None = None
    detail: str | None = None
    ref: str | None = None


class LedgerRow(SQLModel, table=True):
    """Every decision with the values it saw, append-only. Values are facts, never personal data."""

    __tablename__ = "ledger"
    __table_args__ = (Index("ledger_subject", "subject_id", "id"),)
    id: int | None = row_id()
    merchant_id: int = ref()
    subject_id: int | None = ref(optional=True)
    message_id: int | None = ref(optional=True)
    at: datetime
    journey: str | None = None
    step: str | None = None
    decision: str
    reason: str | None = None
    values: dict[str, Any] = json()
