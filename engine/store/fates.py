"""What became of messages, counted: the numbers of a report over all journeys."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from engine.store.session import Tx
from engine.store.tables import MessageRow

MESSAGE = MessageRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """So many messages of a journey stand in a status, for a reason where one was given."""

    journey: str
    status: str
    reason: str | None
    count: int


def fates(tx: Tx) -> list[Fate]:
    """The merchant's messages by journey, status and reason, in that order."""
    named = (MESSAGE.c.journey, MESSAGE.c.status, MESSAGE.c.reason)
    query = select(*named, func.count().label("count")).where(MESSAGE.c.merchant_id == tx.merchant)
    rows = tx.conn.execute(query.group_by(*named).order_by(*named))
    return [Fate(journey=row[0], status=row[1], reason=row[2], count=row[3]) for row in rows]
