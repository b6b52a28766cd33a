"""Orders of which something may be on its way, by when they were last heard of."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from engine.rules.stage import ENDED
from engine.store.among import among
from engine.store.session import Tx
from engine.store.tables import OBSERVATION, SUBJECT

_HEARD, _UNTIL = (bindparam(name, type_=SUBJECT.c.updated_at.type) for name in ("heard", "until"))
SILENT = (
    select(SUBJECT.c.id, SUBJECT.c.updated_at)
    .where(
        SUBJECT.c.merchant_id == bindparam("merchant"), SUBJECT.c.updated_at >= _HEARD, SUBJECT.c.updated_at < _UNTIL
    )
    .where(or_(SUBJECT.c.updated_at > _HEARD, SUBJECT.c.id > bindparam("behind")))
    .where(SUBJECT.c.joined_into.is_(None), SUBJECT.c.stage.not_in(ENDED))
    .order_by(SUBJECT.c.updated_at, SUBJECT.c.id)
    .limit(bindparam("limit"))
)

TOLD = (
    select(OBSERVATION.c.subject_id)
    .where(
        OBSERVATION.c.merchant_id == bindparam("merchant"),
        among(OBSERVATION.c.subject_id, "ids"),
        OBSERVATION.c.connection_id == bindparam("connection"),
    )
    .distinct()
)


def silent_longest(tx: Tx, heard: datetime, behind: int, until: datetime, limit: int) -> list[tuple[int, datetime]]:
    """(id, when last heard of) of the merchant's orders, those first that have been silent longest: heard of at `heard`
    with an id behind `behind`, or later, but before `until`."""
    given = {"merchant": tx.merchant, "heard": heard, "behind": behind, "until": until, "limit": limit}
    return [(row.id, row.updated_at) for row in tx.conn.execute(SILENT, given)]


def told_by(tx: Tx, connection: str, orders: Collection[int]) -> set[int]:
    """Those of the orders that the connection has told of."""
    if not orders:
        return set()
    return set(
        tx.conn.execute(TOLD, {"merchant": tx.merchant, "connection": connection, "ids": list(orders)}).scalars()
    )
