"""Merchants, their connections, and the raw deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from engine.store.tables.columns import json, partial, ref, row_id, sealed


class Merchant(SQLModel, table=True):
    """A business whose customers we write to."""

    id: int | None = row_id()
    slug: str = Field(unique=True)
    name: str
    settings: dict[str, Any] = json()  # engine.model.merchant.MerchantSettings
    created_at: datetime


class Connection(SQLModel, table=True):
    """One configured connector. `merchant_id` is empty for an operator's connection that routes by owner."""

    id: str = Field(primary_key=True)
    merchant_id: int | None = ref("merchant", index=True, optional=True)
    connector: str
    role: str  # source | channel
    name: str
    config: dict[str, Any] = json()
    sealed_secrets: bytes | None = sealed()
    # Credentials that run out: name -> [when, since when it has been in force], both ISO 8601 in UTC.
    until: dict[str, list[str]] = json()
    created_at: datetime
    last_delivery_at: datetime | None = None
    refused: int = 0  # deliveries whose signature did not fit
    refused_at: datetime | None = None  # the last of them; real time


class Inbox(SQLModel, table=True):
    """Raw deliveries, stored before anything else. Ends processed, ignored(reason), parked(reason) or dead(reason)."""

    __table_args__ = (
        UniqueConstraint("connection_id", "dedupe_key"),
        partial("inbox_waiting", "id", where="state = 'new' AND verified_by >= ''"),
        partial("inbox_turn", "connection_id", "id", where="state = 'new' AND connection_id >= ''"),
        partial("inbox_trouble", "received_at", "connection_id", where="state IN ('parked', 'dead')"),
    )
    id: int | None = row_id()
    connection_id: str = Field(foreign_key="connection.id")
    merchant_id: int | None = ref(optional=True)
    dedupe_key: str
    topic: str | None = None
    verified_by: str
    backfill: bool = False
    received_at: datetime
    sealed_headers: bytes | None = sealed()
    sealed_body: bytes | None = sealed()
    state: str = "new"  # new | processed | ignored | parked | dead
    reason: str | None = None
    tries: int = 0
    lease_until: datetime | None = None
    processed_at: datetime | None = None


class Stray(SQLModel, table=True):
    """A delivery that is parked because no merchant is set for a goods owner that it names. It goes when the delivery
    is worked on again."""

    connection_id: str = Field(primary_key=True, foreign_key="connection.id")
    owner: str = Field(primary_key=True)  # as the source calls it
    inbox_id: int = ref(key=True)
