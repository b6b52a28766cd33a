"""What a person's objection touches: the address a message went to, and what is still planned for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, or_, select, update

from engine.model.facts import State
from engine.store import facts
from engine.store.sealed import Erased
from engine.store.session import Tx
from engine.store.tables import MessageRow, Subject

MESSAGE = MessageRow.__table__  # type: ignore[attr-defined]
SUBJECT = Subject.__table__  # type: ignore[attr-defined]


def standing(tx: Tx, subject: int) -> int:
    """The subject, or the one it has turned out to be: links outlive the joining of two orders."""
    while True:
        query = select(SUBJECT.c.joined_into).where(SUBJECT.c.merchant_id == tx.merchant, SUBJECT.c.id == subject)
        into = tx.conn.execute(query).scalar_one_or_none()
        if into is None:
            return subject
        subject = into


def message(tx: Tx, number: int) -> Row[Any] | None:
    """The merchant's message of that row number."""
    query = select(MESSAGE).where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.id == number)
    return tx.conn.execute(query).one_or_none()


def address(tx: Tx, row: Row[Any]) -> str | None:
    """Where the message went, else where it would go now; None when the order was erased."""
    held = facts.load(tx, [row.subject_id])[row.subject_id]
    if row.sealed_address is not None:
        where = facts.place(held.merchant, f"message/address/{row.public_id}")
        try:
            return tx.vault.open(held.wrapped_key, where, row.sealed_address).decode()
        except Erased:
            return None
    order = (held.state or State()).facts.order
    party = order.recipient if row.recipient == "recipient" else order.orderer
    return party.email if party else None


def cancel(tx: Tx, row: Row[Any], person: str, reason: str) -> list[Row[Any]]:
    """Cancel what this person would still get of the message's purpose, on any of their orders; leased ones
    too, whose fence moves so that they cannot be armed. Returns the rows that were cancelled."""
    theirs = select(SUBJECT.c.id).where(SUBJECT.c.merchant_id == tx.merchant, SUBJECT.c.email_index == person)
    to_them = or_(
        and_(MESSAGE.c.recipient == "orderer", MESSAGE.c.subject_id.in_(theirs.scalar_subquery())),
        and_(MESSAGE.c.recipient == row.recipient, MESSAGE.c.subject_id == row.subject_id),
    )
    # Their orders first, as everybody does who holds both; new ones meet the suppression when they are armed.
    facts.lock(tx, {row.subject_id, *tx.conn.execute(theirs).scalars()})
    gone = (
        update(MESSAGE)
        .where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.purpose == row.purpose, to_them)
        .where(MESSAGE.c.status.in_(("planned", "leased")))
        .values(status="cancelled", reason=reason, fence=MESSAGE.c.fence + 1, lease_until=None)
        .returning(MESSAGE)
    )
    return list(tx.conn.execute(gone))
