"""How many there are of each: the numbers beside lists and in reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from engine.store.session import Tx
from engine.store.tables import ATTEMPT, INBOX, MESSAGE, RUN, SUBJECT


@dataclass(frozen=True, kw_only=True)
class Fate:
    """So many messages of a journey stand in a status, for a reason where one was given."""

    journey: str
    status: str
    reason: str | None
    count: int


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
    query = select(INBOX.c.connection_id, INBOX.c.state, func.count()).group_by(INBOX.c.connection_id, INBOX.c.state)
    return _nested(tx.conn.execute(query))


def attempts_by_outcome(tx: Tx) -> dict[str, dict[str, int]]:
    """Connection -> outcome -> how many attempts had it; attempts under way are not counted."""
    query = select(ATTEMPT.c.connection_id, ATTEMPT.c.outcome, func.count()).where(ATTEMPT.c.outcome.is_not(None))
    return _nested(tx.conn.execute(query.group_by(ATTEMPT.c.connection_id, ATTEMPT.c.outcome)))


def fates(tx: Tx) -> list[Fate]:
    """The merchant's messages by journey, status and reason, in that order."""
    named = (MESSAGE.c.journey, MESSAGE.c.status, MESSAGE.c.reason)
    query = select(*named, func.count().label("count")).where(MESSAGE.c.merchant_id == tx.merchant)
    rows = tx.conn.execute(query.group_by(*named).order_by(*named))
    return [Fate(journey=row[0], status=row[1], reason=row[2], count=row[3]) for row in rows]


def _pairs(tx: Tx, query: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.conn.execute(query)}


def _nested(rows: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, inner, count in rows:
        found.setdefault(name, {})[inner] = count
    return found
