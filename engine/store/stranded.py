"""T6: messages that were armed and whose lease is over. Nobody knows whether they left."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Row, bindparam, literal_column, select

from engine.store.compiled import Query
from engine.store.messages import HELD
from engine.store.session import Tx
from engine.store.tables import MESSAGE

SENDING = MESSAGE.c.status == literal_column("'sending'")
OVER = (SENDING, HELD, MESSAGE.c.lease_until < bindparam("real", type_=MESSAGE.c.lease_until.type))
STRANDED = Query(
    select(MESSAGE.c.id, MESSAGE.c.merchant_id, MESSAGE.c.subject_id)
    .where(*OVER)
    .order_by(MESSAGE.c.lease_until)
    .limit(bindparam("limit", type_=Integer))
)


def stranded(tx: Tx, real: datetime, limit: int) -> list[Row[Any]]:
    """(id, merchant_id, subject_id) of up to `limit` of them, over all merchants. Not locked: their subjects
    come first."""
    return STRANDED(tx, real=real, limit=limit)


def still_stranded(tx: Tx, ids: Collection[int], real: datetime) -> list[Row[Any]]:
    """Whole rows of those of this merchant's messages that still are, locked in the order of their ids."""
    query = select(MESSAGE).where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.id.in_(list(ids)), *OVER)
    query = query.order_by(MESSAGE.c.id)
    return list(tx.conn.execute(query.with_for_update(), {"real": real}))
