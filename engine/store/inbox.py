"""Raw deliveries: stored before anything else, claimed by a lease, never thrown away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, literal_column, or_, select, update

from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import INBOX

NEW = INBOX.c.state == literal_column("'new'")  # spelled out, or no planner would see that the partial index fits


@dataclass(frozen=True, kw_only=True)
class Raw:
    """One delivery as it goes into or comes out of the inbox."""

    connection: str
    merchant: int | None
    dedupe_key: str
    topic: str | None
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    verified_by: str
    backfill: bool = False
    id: int = 0
    tries: int = 0
    state: str = "new"
    reason: str | None = None


def add(tx: Tx, deliveries: Sequence[Raw]) -> set[tuple[str, str]]:
    """Store deliveries; those known already (connection and dedupe key) change nothing.

    Returns the (connection, dedupe key) pairs that are new.
    """
    # In one order everywhere, so that two intakes that are sent the same deliveries never wait for each other.
    ordered = sorted(deliveries, key=lambda raw: (raw.connection, raw.dedupe_key))
    rows = [_values(tx, raw) for raw in ordered]
    made = insert_into(INBOX, postgres=tx.locks_rows).on_conflict_do_nothing()
    added = tx.conn.execute(made.returning(INBOX.c.connection_id, INBOX.c.dedupe_key), rows)
    return {(row.connection_id, row.dedupe_key) for row in added}


def _values(tx: Tx, raw: Raw) -> dict[str, Any]:
    place = f"{raw.connection}/{raw.dedupe_key}"
    return {
        "connection_id": raw.connection, "merchant_id": raw.merchant, "dedupe_key": raw.dedupe_key,
        "topic": raw.topic, "verified_by": raw.verified_by, "backfill": raw.backfill,
        "received_at": raw.received_at, "state": "new", "tries": 0,
        "sealed_headers": tx.vault.seal_raw(f"inbox/headers/{place}", msgspec.json.encode(raw.headers)),
        "sealed_body": tx.vault.seal_raw(f"inbox/body/{place}", raw.body),
    }  # fmt: skip


def claim(tx: Tx, *, limit: int, lease: timedelta, now: datetime) -> list[Raw]:
    """Take up to `limit` waiting deliveries, oldest first, for `lease` of real time. Their tries are counted
    before the work, so that a delivery which kills its worker is noticed."""
    free = or_(INBOX.c.lease_until.is_(None), INBOX.c.lease_until < now)
    wanted = select(INBOX.c.id).where(NEW, free).order_by(INBOX.c.id).limit(limit)
    if tx.locks_rows:
        wanted = wanted.with_for_update(skip_locked=True)
    taken = (
        update(INBOX)
        .where(INBOX.c.id.in_(wanted.scalar_subquery() if not tx.locks_rows else wanted.cte("due").select()))
        .values(lease_until=now + lease, tries=INBOX.c.tries + 1)
        .returning(INBOX)
    )
    return sorted((_raw(tx, row) for row in tx.conn.execute(taken)), key=lambda raw: raw.id)


def finish(tx: Tx, ids: Iterable[int], state: str, reason: str | None, now: datetime) -> None:
    """The deliveries have come to their end: processed, ignored, parked or dead, and why."""
    done = {"state": state, "reason": reason, "processed_at": now, "lease_until": None}
    tx.conn.execute(update(INBOX).where(INBOX.c.id.in_(list(ids))).values(**done))


def reopen(tx: Tx, *, connection: str | None = None, states: Collection[str] = ("parked", "dead")) -> int:
    """Replay: put deliveries of these states back to new. Returns how many."""
    again = update(INBOX).where(INBOX.c.state.in_(list(states))).values(state="new", tries=0, lease_until=None)
    if connection:
        again = again.where(INBOX.c.connection_id == connection)
    return tx.conn.execute(again).rowcount


def waiting(tx: Tx) -> bool:
    """Has any delivery not come to its end?"""
    return tx.conn.execute(select(INBOX.c.id).where(NEW).limit(1)).first() is not None


def recent(
    tx: Tx, *, connection: str | None = None, merchant: int | None = None, state: str | None = None, limit: int = 50
) -> list[Raw]:
    """Deliveries, newest first."""
    query = select(INBOX).order_by(INBOX.c.id.desc()).limit(limit)
    for column, value in (("connection_id", connection), ("merchant_id", merchant), ("state", state)):
        if value is not None:
            query = query.where(INBOX.c[column] == value)
    return [_raw(tx, row) for row in tx.conn.execute(query)]


def _raw(tx: Tx, row: Row[Any]) -> Raw:
    place = f"{row.connection_id}/{row.dedupe_key}"
    headers = tx.vault.open_raw(f"inbox/headers/{place}", row.sealed_headers) if row.sealed_headers else b"{}"
    body = tx.vault.open_raw(f"inbox/body/{place}", row.sealed_body) if row.sealed_body else b""
    return Raw(
        id=row.id, connection=row.connection_id, merchant=row.merchant_id, dedupe_key=row.dedupe_key,
        topic=row.topic, headers=msgspec.json.decode(headers, type=dict[str, str]), body=body,
        received_at=row.received_at, verified_by=row.verified_by, backfill=row.backfill, tries=row.tries,
        state=row.state, reason=row.reason,
    )  # fmt: skip
