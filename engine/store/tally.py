"""How many there are of each: the numbers beside the lists of the console."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from engine.store.session import Tx
from engine.store.tables import Inbox, MessageRow, RunRow, Subject

SUBJECT = Subject.__table__  # type: ignore[attr-defined]
MESSAGE = MessageRow.__table__  # type: ignore[attr-defined]
RUN = RunRow.__table__  # type: ignore[attr-defined]
INBOX = Inbox.__table__  # type: ignore[attr-defined]


def orders_by_stage(tx: Tx) -> dict[str, int]:
    """Stage -> how many of the merchant's orders stand there."""
    mine = (SUBJECT.c.merchant_id == tx.merchant) & SUBJECT.c.joined_into.is_(None)
    return _pairs(tx, select(SUBJECT.c.stage, func.count()).where(mine).group_by(SUBJECT.c.stage))


def messages_by_journey(tx: Tx) -> dict[str, int]:
    """Journey -> how many messages it has planned or sent for this merchant."""
    mine = MESSAGE.c.merchant_id == tx.merchant
    return _pairs(tx, select(MESSAGE.c.journey, func.count()).where(mine).group_by(MESSAGE.c.journey))


def orders_under_way(tx: Tx) -> dict[str, int]:
    """Journey -> how many of the merchant's orders have a run of it under way."""
    mine = (RUN.c.merchant_id == tx.merchant) & (RUN.c.state == "active")
    query = select(RUN.c.journey, func.count(RUN.c.subject_id.distinct()))
    return _pairs(tx, query.where(mine).group_by(RUN.c.journey))


def deliveries_by_state(tx: Tx) -> dict[str, dict[str, int]]:
    """Connection -> state -> deliveries, over the whole installation: the caller shows its own connections."""
    found: dict[str, dict[str, int]] = {}
    query = select(INBOX.c.connection_id, INBOX.c.state, func.count())
    for connection, state, count in tx.conn.execute(query.group_by(INBOX.c.connection_id, INBOX.c.state)):
        found.setdefault(connection, {})[state] = count
    return found


def _pairs(tx: Tx, query: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.conn.execute(query)}
