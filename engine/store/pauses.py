"""What a pause holds back: how many would leave without it, and what may have left before a database was restored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, literal_column, or_, select, update

from engine.store.session import Tx
from engine.store.tables import MESSAGE, PAUSE
from engine.store.waiting import PLANNED

RESTORE_FENCE = "restore fence"  # how the reason of its pause begins
# Spelled out, so that a planner sees that the partial indexes fit.
OPEN = MESSAGE.c.status.in_([literal_column(f"'{status}'") for status in ("planned", "leased", "sending")])


def reasons(tx: Tx, *, merchant: int | None, journey: str | None) -> list[str]:
    """Why sending is paused, by pauses of exactly this reach, oldest first."""
    where = (PAUSE.c.merchant_id.is_(None) if merchant is None else PAUSE.c.merchant_id == merchant) & (
        PAUSE.c.journey.is_(None) if journey is None else PAUSE.c.journey == journey
    )
    return list(tx.conn.execute(select(PAUSE.c.reason).where(where).order_by(PAUSE.c.created_at)).scalars())


def would_leave(tx: Tx, now: datetime, *, merchant: int | None, journey: str | None, taken_up: bool = False) -> int:
    """How many messages within this reach are due, or wait for a pause to end; with `taken_up` those as well that
    a worker has claimed and not armed. Expired ones are not counted."""
    open_ = or_(PLANNED, MESSAGE.c.status == "leased") if taken_up else PLANNED
    where = [open_, MESSAGE.c.expires_at > now, or_(MESSAGE.c.awaits == "resume", MESSAGE.c.due_at <= now)]
    where += [MESSAGE.c.merchant_id == merchant] if merchant is not None else []
    where += [MESSAGE.c.journey == journey] if journey is not None else []
    return tx.conn.execute(select(func.count()).where(*where)).scalar_one()


def open_before(tx: Tx, at: datetime, limit: int) -> list[Row[Any]]:
    """(id, subject_id) of the merchant's messages that were due by `at` and have not ended. Not locked."""
    query = select(MESSAGE.c.id, MESSAGE.c.subject_id).where(MESSAGE.c.merchant_id == tx.merchant, *_before(at))
    return list(tx.conn.execute(query.order_by(MESSAGE.c.id).limit(limit)))


def park(tx: Tx, ids: Collection[int], at: datetime, reason: str) -> list[Row[Any]]:
    """Those of them that still are so become unknown; their fence moves. Returns their whole rows."""
    these = and_(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.id.in_(list(ids)), *_before(at))
    query = select(MESSAGE).where(these).order_by(MESSAGE.c.id)
    rows = list(tx.conn.execute(query.with_for_update()))
    parked = update(MESSAGE).where(MESSAGE.c.id.in_([row.id for row in rows]))
    if rows:
        values = {"status": "unknown", "reason": reason, "lease_until": None, "awaits": None}
        tx.conn.execute(parked.values(**values, fence=MESSAGE.c.fence + 1))
    return rows


def _before(at: datetime) -> tuple[Any, ...]:
    # What waits for an address or a resume was moved to its expiry: it may have been due any time before.
    return OPEN, or_(MESSAGE.c.due_at <= at, and_(MESSAGE.c.awaits.is_not(None), MESSAGE.c.planned_at <= at))
