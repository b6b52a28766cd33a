"""What people ask: which messages, which orders, what happened to an order, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from engine.rules.identify import order_number
from engine.store import facts
from engine.store.contents import unseal
from engine.store.facts import Held
from engine.store.ledger import of as decisions
from engine.store.session import Tx
from engine.store.tables import ATTEMPT, EVENT, MESSAGE, RUN, SUBJECT


@dataclass(frozen=True, kw_only=True)
class MessageReport:
    """One message as people see it. Address and subject line are opened for whoever may see them."""

    id: str
    merchant: int
    order: str | None
    journey: str
    step: str
    template: str
    purpose: str
    channel: str | None
    recipient: str | None
    subject: str | None
    status: str
    reason: str | None
    planned_at: datetime
    due_at: datetime
    sent_at: datetime | None
    number: int  # the row's id, for joining with the ledger
    subject_id: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One row of `todoke why`, in time order."""

    at: datetime
    journey: str | None
    step: str | None
    decision: str
    reason: str | None
    values: dict[str, Any]
    message: str | None


@dataclass(frozen=True, kw_only=True)
class OrderReport:
    """One order in a list."""

    id: int
    number: str | None
    stage: str
    placed_at: datetime | None
    updated_at: datetime
    name: str | None  # the orderer's
    messages: int


def list_messages(
    tx: Tx,
    *,
    status: str | None = None,
    subject: int | None = None,
    journey: str | None = None,
    connections: Collection[str] | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[MessageReport]:
    """The merchant's messages, newest first; of one status, order or journey, sent over one of these
    connections, before a row number."""
    query = select(MESSAGE).where(MESSAGE.c.merchant_id == tx.merchant).order_by(MESSAGE.c.id.desc()).limit(limit)
    if status:
        query = query.where(MESSAGE.c.status == status)
    if subject is not None:
        query = query.where(MESSAGE.c.subject_id == subject)
    if journey:
        query = query.where(MESSAGE.c.journey == journey)
    if connections is not None:
        query = query.where(MESSAGE.c.connection_id.in_(list(connections)))
    if before is not None:
        query = query.where(MESSAGE.c.id < before)
    return _reports(tx, tx.conn.execute(query).all())


def message(tx: Tx, public_id: str) -> tuple[MessageReport, list[Row[Any]], bytes | None] | None:
    """A message with its attempts and the exact bytes that left, if it is this merchant's."""
    where = (MESSAGE.c.public_id == public_id) & (MESSAGE.c.merchant_id == tx.merchant)
    row = tx.conn.execute(select(MESSAGE).where(where)).one_or_none()
    if row is None:
        return None
    attempts = tx.conn.execute(select(ATTEMPT).where(ATTEMPT.c.message_id == row.id).order_by(ATTEMPT.c.n)).all()
    held = facts.load(tx, [row.subject_id])[row.subject_id]
    return _reports(tx, [row])[0], list(attempts), unseal(tx, held, row, "request")


def count_messages(tx: Tx) -> dict[str, int]:
    """Status -> how many of the merchant's messages have it."""
    query = select(MESSAGE.c.status, func.count()).where(MESSAGE.c.merchant_id == tx.merchant)
    return {row[0]: row[1] for row in tx.conn.execute(query.group_by(MESSAGE.c.status))}


def list_orders(
    tx: Tx,
    *,
    number: str | None = None,
    stage: str | None = None,
    limit: int = 50,
    before: datetime | None = None,
    before_id: int | None = None,
    journey: str | None = None,
) -> list[OrderReport]:
    """The merchant's orders, last changed first; of a stage, or with a run of that journey under way.

    One transaction gives many orders the same `updated_at`, so a next page starts at (before, before_id).
    """
    count = select(func.count()).where(MESSAGE.c.subject_id == SUBJECT.c.id).scalar_subquery()
    query = select(SUBJECT, count.label("messages")).where(
        SUBJECT.c.merchant_id == tx.merchant, SUBJECT.c.joined_into.is_(None)
    )
    if number:
        query = query.where(SUBJECT.c.number == order_number(number))
    if stage:
        query = query.where(SUBJECT.c.stage == stage)
    if journey:
        active = (RUN.c.merchant_id == tx.merchant) & (RUN.c.journey == journey) & (RUN.c.state == "active")
        query = query.where(SUBJECT.c.id.in_(select(RUN.c.subject_id).where(active)))
    if before is not None:
        tie = (SUBJECT.c.updated_at == before) & (SUBJECT.c.id < (before_id or 0))
        query = query.where((SUBJECT.c.updated_at < before) | tie)
    rows = tx.conn.execute(query.order_by(SUBJECT.c.updated_at.desc(), SUBJECT.c.id.desc()).limit(limit)).all()
    held = facts.load(tx, [row.id for row in rows])
    found = []
    for row in rows:
        state = held[row.id].state
        order = state.facts.order if state else None
        found.append(OrderReport(
            id=row.id, number=order.number if order else row.number, stage=row.stage, placed_at=row.placed_at,
            updated_at=row.updated_at, messages=row.messages,
            name=order.orderer.name if order and order.orderer else None,
        ))  # fmt: skip
    return found


def find_order(tx: Tx, typed: str) -> list[Held]:
    """The merchant's orders of that number, as a person types it ("#1001" or "1001"); newest first."""
    ids = facts.numbered(tx, [order_number(typed)]).get(order_number(typed), [])
    return [held for _, held in sorted(facts.load(tx, ids).items(), reverse=True)]


def why(tx: Tx, subject: int) -> list[Decision]:
    """Every decision about an order, in time order."""
    rows = decisions(tx, subject)
    query = select(MESSAGE.c.id, MESSAGE.c.public_id).where(MESSAGE.c.subject_id == subject)
    names = {row.id: row.public_id for row in tx.conn.execute(query)}
    return [
        Decision(at=row.at, journey=row.journey, step=row.step, decision=row.decision, reason=row.reason,
                 values=row.values, message=names.get(row.message_id))
        for row in rows
    ]  # fmt: skip


def events(tx: Tx, subject: int) -> list[Row[Any]]:
    """What has happened to an order, oldest first: type, key, occurred_at, recorded_at, shipment, muted."""
    query = select(EVENT).where(EVENT.c.merchant_id == tx.merchant, EVENT.c.subject_id == subject)
    return list(tx.conn.execute(query.order_by(EVENT.c.occurred_at, EVENT.c.id)))


def runs(tx: Tx, subject: int) -> list[Row[Any]]:
    """The runs of an order: journey, key, state, reason, awaiting, wake_at, started_at, ended_at."""
    query = select(RUN).where(RUN.c.merchant_id == tx.merchant, RUN.c.subject_id == subject)
    return list(tx.conn.execute(query.order_by(RUN.c.id)))


def _reports(tx: Tx, rows: Sequence[Row[Any]]) -> list[MessageReport]:
    held = facts.load(tx, {row.subject_id for row in rows})
    reports = []
    for row in rows:
        one = held[row.subject_id]
        order = one.state.facts.order if one.state else None
        party = order and (order.recipient if row.recipient == "recipient" else order.orderer)
        address = unseal(tx, one, row, "address") or (party.email.encode() if party and party.email else None)
        line = unseal(tx, one, row, "line")
        reports.append(MessageReport(
            id=row.public_id, merchant=row.merchant_id, order=order.number if order else None, journey=row.journey,
            step=row.step, template=row.template, purpose=row.purpose, channel=row.channel,
            recipient=address.decode() if address else None, subject=line.decode() if line else None,
            status=row.status, reason=row.reason, planned_at=row.planned_at, due_at=row.due_at, sent_at=row.sent_at,
            number=row.id, subject_id=row.subject_id,
        ))  # fmt: skip
    return reports
