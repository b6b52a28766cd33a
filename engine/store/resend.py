"""A message once more, because a person asks for it: a row of its own beside the one that stays as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select

from engine.model.message import OPEN
from engine.store import ledger
from engine.store.backlog import IN_TROUBLE
from engine.store.ledger import Entry
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import MESSAGE

OFFERED = ("unknown", "dead")
LASTS = timedelta(days=1)  # whoever asks for it means now
SAME = (
    "merchant_id", "subject_id", "journey", "digest", "step", "run_key", "recipient", "shipment", "return_key",
    "event_key", "anchor", "template", "purpose", "lane",
)  # fmt: skip
IDENTITY = ("merchant_id", "subject_id", "journey", "step", "run_key", "recipient")


@dataclass(frozen=True)
class NotResent:
    """Why the message is not planned once more."""

    reason: str


def offered(tx: Tx, statuses: Collection[str], journey: str | None) -> list[tuple[str, str]]:
    """(public id, status) of the merchant's messages in these of the OFFERED statuses that nobody has asked for once
    more yet, oldest first; of one journey."""
    again = MESSAGE.alias("again")
    same = [again.c[name] == MESSAGE.c[name] for name in IDENTITY]
    asked_for = select(again.c.id).where(*same, again.c.occurrence.startswith("manual:")).exists()
    query = select(MESSAGE.c.public_id, MESSAGE.c.status).where(
        IN_TROUBLE, MESSAGE.c.status.in_(list(statuses)), MESSAGE.c.merchant_id == tx.merchant, ~asked_for
    )
    if journey is not None:
        query = query.where(MESSAGE.c.journey == journey)
    return [(row.public_id, row.status) for row in tx.conn.execute(query.order_by(MESSAGE.c.id))]


def resend(tx: Tx, message: str, now: datetime) -> str | NotResent:
    """Plan an unknown or dead message (public id) once more, due now; the gate decides as for any other.

    Returns the public id of the new message. It belongs to no run, so what becomes of it moves none.
    """
    query = select(MESSAGE).where(MESSAGE.c.public_id == message, MESSAGE.c.merchant_id == tx.merchant)
    row = tx.conn.execute(query.with_for_update()).one_or_none()
    if row is None:
        return NotResent("there is no such message")
    if row.status not in OFFERED:
        return NotResent(f"it is {row.status}")
    same = [MESSAGE.c[name] == getattr(row, name) for name in IDENTITY]
    manual = [*same, MESSAGE.c.occurrence.startswith("manual:")]
    if tx.conn.execute(select(func.count()).where(*manual, MESSAGE.c.status.in_(OPEN))).scalar_one():
        return NotResent("it is planned once more already")
    number = tx.conn.execute(select(func.count()).where(*manual)).scalar_one() + 1
    new = public_id("m")
    values = {name: getattr(row, name) for name in SAME} | {
        "public_id": new, "occurrence": f"manual:{number}", "status": "planned", "awaits": None,
        "planned_at": now, "due_at": now, "expires_at": now + LASTS, "fence": 0, "tries": 0,
    }  # fmt: skip
    made = tx.conn.execute(insert(MESSAGE).values(**values).returning(MESSAGE.c.id)).scalar_one()
    ledger.note(tx, [
        Entry(at=now, decision="planned", subject=row.subject_id, message=made, journey=row.journey, step=row.step,
              reason="an operator asked for it once more",
              values={"instead_of": message, "its_status": row.status, "due_at": now, "expires_at": now + LASTS})
    ])  # fmt: skip
    return new
