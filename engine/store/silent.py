"""Messages that were taken and then not heard of: found by the time at which their silence is too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from engine.store.compiled import Query
from engine.store.engines import insert_into
from engine.store.messages import UNIQUE
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import MESSAGE, RUN

KEPT = (
    "merchant_id", "subject_id", "run_id", "journey", "digest", "step", "run_key", "recipient", "shipment",
    "return_key", "event_key", "anchor", "template", "purpose", "lane", "expires_at",
)  # fmt: skip
SILENT = Query(
    select(MESSAGE.c.merchant_id)
    .where(MESSAGE.c.silent_at <= bindparam("now", type_=MESSAGE.c.silent_at.type))
    .distinct()
)


def merchants(tx: Tx, now: datetime) -> list[int]:
    """Whose messages have been silent for too long."""
    return SILENT.firsts(tx, now=now)


def take(tx: Tx, now: datetime, limit: int) -> list[Row[Any]]:
    """Rows of this merchant's messages whose silence is over, each handed out once: they are waited for no more."""
    these = select(MESSAGE.c.id).where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.silent_at <= now)
    these = these.order_by(MESSAGE.c.silent_at).limit(limit).with_for_update(skip_locked=True)
    taken = update(MESSAGE).where(MESSAGE.c.id.in_(these.scalar_subquery())).values(silent_at=None)
    return list(tx.conn.execute(taken.returning(*MESSAGE.c)))


def gone_on(tx: Tx, run: int | None) -> bool:
    """Does the run still want what it has sent? One that ended early does not."""
    reason = tx.conn.execute(select(RUN.c.reason).where(RUN.c.id == run)).scalar_one_or_none() if run else None
    return not (reason or "").startswith("exit")


def again(tx: Tx, row: Row[Any], passed_over: str, now: datetime) -> bool:
    """Plan the message once more, as its next occurrence, due now, and not over these media. False when it has been."""
    values = {name: getattr(row, name) for name in KEPT} | {
        "public_id": public_id("m"), "occurrence": str(int(row.occurrence) + 1), "passed_over": passed_over,
        "status": "planned", "planned_at": now, "due_at": now, "fence": 0, "tries": 0,
    }  # fmt: skip
    made = insert_into(MESSAGE, postgres=tx.locks_rows).on_conflict_do_nothing(index_elements=list(UNIQUE))
    return tx.conn.execute(made.values(**values)).rowcount > 0
