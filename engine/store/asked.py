"""What alarms follow from about asking: systems that do not answer, credentials that run out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from engine.rules.alarm import Credential, Unanswered
from engine.rules.credentials import expiring
from engine.store.merchants import lasting
from engine.store.session import Tx
from engine.store.tables import CONNECTION, ERRAND


def unanswered(tx: Tx, real: datetime) -> list[Unanswered]:
    """Errands that fail, of each connection and kind the one that has failed longest."""
    named = (ERRAND.c.connection_id, ERRAND.c.merchant_id, ERRAND.c.kind, ERRAND.c.why)
    query = select(*named, func.min(ERRAND.c.failing_since).label("since"), func.max(ERRAND.c.reason).label("reason"))
    query = query.where(ERRAND.c.why.is_not(None), ERRAND.c.due_at.is_not(None)).group_by(*named)
    return [
        Unanswered(connection=row.connection_id, merchant=row.merchant_id, errand=row.kind, why=row.why,
                   reason=row.reason or "", lasting=real - (row.since or real))
        for row in tx.conn.execute(query)
    ]  # fmt: skip


def credentials(tx: Tx, now: datetime) -> list[Credential]:
    """Credentials of any connection that run out soon, or have."""
    query = select(CONNECTION.c.id, CONNECTION.c.merchant_id, CONNECTION.c.until)
    return [
        Credential(connection=row.id, merchant=row.merchant_id, expiring=one)
        for row in tx.conn.execute(query) if row.until
        for one in expiring(lasting(row.until), now)
    ]  # fmt: skip
