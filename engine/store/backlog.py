"""How much waits, for how long, and what has come to a bad end, over all merchants: figures for watching.

Asked every few seconds, so each is read off a partial index, and counting stops at MOST: beyond that the number
says nothing that the age of the oldest does not say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import TextClause, bindparam, func, literal_column, select, text

from engine.model.consent import LANES
from engine.rules.alarm import Waiting
from engine.store import errands
from engine.store.session import Tx
from engine.store.tables import ACCOUNT, ALARM, ERRAND, INBOX, MESSAGE, PAUSE, RUN
from engine.store.waiting import NEW_IN_TIME, WAITS_IN_TIME

MOST = 10_000
Status = Literal["unknown", "dead"]
STATUSES: tuple[Status, ...] = ("unknown", "dead")
# Spelled out, so that planners see which partial index fits.
IN_TROUBLE = MESSAGE.c.status.in_((literal_column("'unknown'"), literal_column("'dead'")))

# Merchant by merchant: within one of them and a lane, message_turn is in the order of due_at.
_DUE = """
SELECT sum(n) AS total, min(earliest) AS oldest FROM (
  SELECT (SELECT count(*) FROM (SELECT 1 FROM message WHERE status = 'planned' AND journey >= '' AND lane = :lane
            AND merchant_id = merchant.id AND due_at <= :now LIMIT :most) AS due) AS n,
         (SELECT due_at FROM message WHERE status = 'planned' AND journey >= '' AND lane = :lane
            AND merchant_id = merchant.id AND due_at <= :now ORDER BY due_at LIMIT 1) AS earliest
  FROM merchant) AS merchants
"""


def _due() -> TextClause:
    return text(_DUE).bindparams(bindparam("now", type_=MESSAGE.c.due_at.type), most=MOST)


def waiting(tx: Tx, now: datetime) -> tuple[Waiting, ...]:
    """Messages due by `now` by lane, and deliveries that wait in the inbox; each with its oldest."""
    found: list[Waiting] = []
    for lane, queue in enumerate(LANES):
        due = _due().columns(oldest=MESSAGE.c.due_at.type)
        row = tx.conn.execute(due, {"lane": lane, "now": now}).one()
        found.append(Waiting(queue=queue, count=int(row.total or 0), oldest=row.oldest))
    oldest = select(INBOX.c.received_at).where(NEW_IN_TIME).order_by(INBOX.c.id).limit(1)
    first = tx.conn.execute(oldest).scalar_one_or_none()
    count = _up_to(tx, select(INBOX.c.id).where(NEW_IN_TIME)) if first is not None else 0
    return (*found, Waiting(queue="inbox", count=count, oldest=first))


def errands_due(tx: Tx, now: datetime, real: datetime) -> Waiting:
    """Errands whose time has come and whose connection may be asked; since when, in business time."""
    first = tx.conn.execute(
        errands.few().limit(1).with_only_columns(ERRAND.c.due_at), {"real": real}
    ).scalar_one_or_none()
    count = _up_to(tx, errands.few(), real=real) if first is not None else 0
    return Waiting(queue="outbound", count=count, oldest=None if first is None else now - (real - first))


def failing(tx: Tx) -> dict[str, int]:
    """Why -> how many errands fail."""
    query = select(ERRAND.c.why, func.count()).where(ERRAND.c.why.is_not(None)).group_by(ERRAND.c.why)
    return {row[0]: row[1] for row in tx.conn.execute(query)}


def troubled(tx: Tx) -> dict[Status, int]:
    """Messages that are unknown or dead, however long they have been."""
    return {status: _up_to(tx, select(MESSAGE.c.id).where(IN_TROUBLE, is_(status))) for status in STATUSES}


def is_(status: Status) -> Any:
    """Messages of that status."""
    return MESSAGE.c.status == literal_column(f"'{status}'")


def runs_due(tx: Tx, now: datetime) -> int:
    """Runs whose wakeup has come."""
    return _up_to(tx, select(RUN.c.id).where(WAITS_IN_TIME, RUN.c.wake_at <= now))


def held_accounts(tx: Tx, real: datetime) -> dict[str, int]:
    """What for -> how many accounts nothing is sent through at the moment."""
    query = select(ACCOUNT.c.held_for, func.count()).where(ACCOUNT.c.held_until > real)
    return {row[0] or "provider": row[1] for row in tx.conn.execute(query.group_by(ACCOUNT.c.held_for))}


def open_alarms(tx: Tx) -> dict[str, int]:
    """Kind -> how many alarms of it are open."""
    query = select(ALARM.c.kind, func.count()).where(ALARM.c.closed_at.is_(None)).group_by(ALARM.c.kind)
    return {row[0]: row[1] for row in tx.conn.execute(query)}


def pauses(tx: Tx) -> int:
    """How many pauses hold."""
    return int(tx.conn.execute(select(func.count()).select_from(PAUSE)).scalar_one())


def _up_to(tx: Tx, query: Any, **values: Any) -> int:
    return int(tx.conn.execute(select(func.count()).select_from(query.limit(MOST).subquery()), values).scalar_one())
