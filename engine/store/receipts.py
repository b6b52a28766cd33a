"""Messages that receipts are about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from engine.rules.receipt import ARRIVED
from engine.store import facts
from engine.store.among import among
from engine.store.session import Tx
from engine.store.tables import LEDGER, MESSAGE

__all__ = ["ARRIVED", "named", "settle", "told"]

TOLD = (
    select(
        MESSAGE.c.id, MESSAGE.c.public_id, MESSAGE.c.subject_id, MESSAGE.c.channel, MESSAGE.c.sealed_address,
        LEDGER.c.decision, LEDGER.c.at, LEDGER.c["values"],
    )
    .join(MESSAGE, MESSAGE.c.id == LEDGER.c.message_id)
    .where(LEDGER.c.merchant_id == bindparam("merchant"), among(LEDGER.c.subject_id, "subjects"))
    .where(LEDGER.c.decision.in_(sorted({*ARRIVED, "undelivered", "dead"})))
    .order_by(LEDGER.c.id)
)  # fmt: skip


def named(tx: Tx, public_ids: Collection[str]) -> dict[str, Row[Any]]:
    """Public id -> row of this merchant's messages, their subjects locked first, as everybody does."""
    mine = (MESSAGE.c.merchant_id == tx.merchant) & MESSAGE.c.public_id.in_(list(public_ids))
    facts.lock(tx, set(tx.conn.execute(select(MESSAGE.c.subject_id).where(mine)).scalars()))
    return {row.public_id: row for row in tx.conn.execute(select(MESSAGE).where(mine).order_by(MESSAGE.c.id))}


def settle(tx: Tx, row: Row[Any], status: str, reason: str | None, at: datetime) -> None:
    """Write what a receipt has shown. The fence moves, so that an outcome still under way does not undo it."""
    values: dict[str, Any] = {"status": status, "reason": reason, "lease_until": None, "fence": MESSAGE.c.fence + 1}
    if status in {"sent", "delivered"}:
        values["sent_at"] = func.coalesce(MESSAGE.c.sent_at, at)
    if status == "delivered":
        values["silent_at"] = None
    if status == "dead":
        values["silent_at"] = at  # it did not arrive: another medium may be tried at once
    where = (MESSAGE.c.merchant_id == tx.merchant) & (MESSAGE.c.id == row.id)
    tx.conn.execute(update(MESSAGE).where(where).values(**values))


def told(tx: Tx, subjects: Collection[int]) -> Sequence[Row[Any]]:
    """(id, public_id, subject_id, channel, sealed_address, decision, at, values) of what the ledger has been told of
    messages of these subjects that have arrived or were lost, each time that it was."""
    found: Sequence[Any] = tx.conn.execute(TOLD, {"merchant": tx.merchant, "subjects": list(subjects)}).all()
    return found
