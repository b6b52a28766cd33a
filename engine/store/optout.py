"""What a person's objection touches: the address a message went to, and what is still planned for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, and_, or_, select

from engine.model.customer import Party
from engine.model.facts import State
from engine.store import facts, messages, people
from engine.store.contents import unseal
from engine.store.session import Tx
from engine.store.tables import MESSAGE, SUBJECT


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


def party(tx: Tx, row: Row[Any]) -> Party | None:
    """The person that the message is for, as known now; None when the order was erased."""
    order = (facts.load(tx, [row.subject_id])[row.subject_id].state or State()).facts.order
    return order.recipient if row.recipient == "recipient" else order.orderer


def address(tx: Tx, row: Row[Any]) -> str | None:
    """Where the message went; of a mail that did not leave, where it would go now. None when the order was erased."""
    if row.sealed_address is not None:
        went_to = unseal(tx, facts.load(tx, [row.subject_id])[row.subject_id], row, "address")
        return went_to.decode() if went_to is not None else None
    person = party(tx, row)
    return person.email if person and row.channel in {None, "email"} else None


def cancel(tx: Tx, row: Row[Any], persons: Collection[str], reason: str) -> list[Row[Any]]:
    """Cancel what this person (all blind indexes that name them) would still get of the message's purpose, on any of
    their orders; returns what `messages.cancel` does."""
    theirs = people.subjects(tx, persons)
    to_them = or_(
        and_(MESSAGE.c.recipient == "orderer", MESSAGE.c.subject_id.in_(theirs)),
        and_(MESSAGE.c.recipient == row.recipient, MESSAGE.c.subject_id == row.subject_id),
    )
    # Their orders first, as everybody does who holds both; new ones meet the suppression when they are armed.
    facts.lock(tx, {row.subject_id, *theirs})
    # By the orders, not by the purpose alone: the merchant may have a million messages.
    there = MESSAGE.c.subject_id.in_({row.subject_id, *theirs})
    return messages.cancel(tx, and_(there, MESSAGE.c.purpose == row.purpose, to_them), reason)
