"""Reaching people: links, suppressions, consent, pauses, and keys to the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import json, ref, row_id, sealed


class Token(SQLModel, table=True):
    """A capability in a link; only its SHA-256 is kept."""

    hash: str = Field(primary_key=True)
    kind: str  # tracking | unsubscribe | preferences | confirm | click | link
    merchant_id: int = ref()
    subject_id: int = ref(index=True)
    message_id: int | None = ref(optional=True)
    sealed_target: bytes | None = sealed()  # click: where it leads
    clicked_at: datetime | None = None  # click: when first
    created_at: datetime
    expires_at: datetime | None = None


class Endpoint(SQLModel, table=True):
    """An address that a person has given us by linking it: a LINE account, a browser. `person_index` is the blind index
    of the person's telephone number or mail address; who is known by both has a row for each."""

    __table_args__ = (Index("endpoint_person", "merchant_id", "person_index"),)
    merchant_id: int = ref("merchant", key=True)
    medium: str = Field(primary_key=True)
    address_index: str = Field(primary_key=True)
    person_index: str = Field(primary_key=True)
    sealed_address: bytes | None = sealed()
    active: bool = True  # its owner may leave (unfollow) and come back
    changed_at: datetime


class Suppression(SQLModel, table=True):
    """An endpoint we must not write to, for purposes in `scope`."""

    merchant_id: int = ref("merchant", key=True)
    endpoint_index: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)  # all | service | promotional
    reason: str
    created_at: datetime


class ConsentRow(SQLModel, table=True):
    """What a person has agreed to or withdrawn, append-only; the newest row of a purpose and channel counts.
    `channel` is a medium, or "any"."""

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
    wording: str | None = None  # version of the words that the person has agreed to
    expires_at: datetime | None = None
    sealed_proof: bytes | None = sealed()  # how it can be shown: JSON


class Preference(SQLModel, table=True):
    """What a person has chosen on the preference page. Under every blind index that names them."""

    merchant_id: int = ref("merchant", key=True)
    person_index: str = Field(primary_key=True)
    chosen: dict[str, Any] = json()  # engine.model.preference.Preference
    changed_at: datetime


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
