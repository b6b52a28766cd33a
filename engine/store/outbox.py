"""Messages from due to done. The message table is the outbox: there is no other queue.

planned -> leased (T3) -> sending (T4, the point of no return) -> sent | unknown | dead | planned again (T5).
A fence counts the leases: an outcome that comes back under an old fence is believed only when it is a
success, because what has been accepted cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, insert, select, union_all, update

from engine.model.message import MessageStatus
from engine.store.messages import HELD, LEASED, PLANNED
from engine.store.session import Tx
from engine.store.tables import ATTEMPT, MESSAGE


@dataclass(frozen=True, kw_only=True)
class Armed:
    """A message at the point of no return: exact bytes, and where they go."""

    id: int
    fence: int
    connection: str
    channel: str
    address: bytes  # sealed
    line: bytes  # sealed
    request: bytes  # sealed
    first_armed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of one attempt; `status` and `due_at` are what the message becomes."""

    id: int
    fence: int
    n: int
    outcome: str
    status: MessageStatus
    reason: str | None = None
    due_at: datetime | None = None
    scope: str | None = None
    code: str | None = None
    detail: str | None = None
    ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """A leased message that does not leave: what it becomes, when to ask again, what makes it due before."""

    id: int
    fence: int
    status: MessageStatus
    reason: str
    due_at: datetime | None = None
    awaits: str | None = None


def claim(tx: Tx, *, limit: int, lease: timedelta, now: datetime, real: datetime) -> list[Row[Any]]:
    """T3: take due messages for `lease` of real time; a lease that ran out before arming is taken over.
    Returns (id, merchant_id, fence), earliest due first."""
    # Each half reads its partial index in order and stops at the limit; joined by OR they would be sorted whole.
    due = select(MESSAGE.c.id).where(PLANNED, MESSAGE.c.due_at <= now).order_by(MESSAGE.c.due_at, MESSAGE.c.id)
    over = select(MESSAGE.c.id).where(LEASED, HELD, MESSAGE.c.lease_until < real).order_by(MESSAGE.c.lease_until)
    halves = [
        (half.with_for_update(skip_locked=True) if tx.locks_rows else half).limit(limit).cte(name)
        for name, half in (("due", due), ("over", over))
    ]
    chosen = union_all(*(half.select() for half in halves)).limit(limit)
    taken = (
        update(MESSAGE)
        .where(MESSAGE.c.id.in_(chosen.scalar_subquery()))
        .values(status="leased", fence=MESSAGE.c.fence + 1, lease_until=real + lease)
        .returning(MESSAGE.c.id, MESSAGE.c.merchant_id, MESSAGE.c.fence, MESSAGE.c.due_at)
    )
    return sorted(tx.conn.execute(taken), key=lambda row: (row.due_at, row.id))


def held(tx: Tx, fences: Mapping[int, int]) -> set[int]:
    """Which of the messages are still leased under these fences; locked where the database locks rows."""
    query = select(MESSAGE.c.id, MESSAGE.c.fence).where(MESSAGE.c.id.in_(list(fences)), MESSAGE.c.status == "leased")
    if tx.locks_rows:
        query = query.order_by(MESSAGE.c.id).with_for_update()
    return {row.id for row in tx.conn.execute(query) if fences[row.id] == row.fence}


def arm(tx: Tx, armed: Sequence[Armed], *, now: datetime, lease_until: datetime) -> dict[int, int]:
    """T4: the bytes and an open attempt are written; after this commit they may leave. Returns id -> attempt n."""
    if not armed:
        return {}
    rows = [
        {
            "_id": one.id, "_channel": one.channel, "_connection": one.connection, "_address": one.address,
            "_line": one.line, "_request": one.request, "_first": one.first_armed_at,
        }
        for one in armed
    ]  # fmt: skip
    tx.conn.execute(
        update(MESSAGE)
        .where(MESSAGE.c.id == bindparam("_id"))
        .values(
            status="sending", lease_until=lease_until, tries=MESSAGE.c.tries + 1, channel=bindparam("_channel"),
            connection_id=bindparam("_connection"), sealed_address=bindparam("_address"),
            sealed_line=bindparam("_line"), sealed_request=bindparam("_request"), first_armed_at=bindparam("_first"),
        ),
        rows,
    )  # fmt: skip
    tries = select(MESSAGE.c.id, MESSAGE.c.tries).where(MESSAGE.c.id.in_([one.id for one in armed]))
    counts = {row.id: row.tries for row in tx.conn.execute(tries)}
    attempts = [
        {
            "message_id": one.id, "n": counts[one.id], "merchant_id": tx.merchant, "connection_id": one.connection,
            "fence": one.fence, "armed_at": now,
        }
        for one in armed
    ]  # fmt: skip
    tx.conn.execute(insert(ATTEMPT), attempts)
    return counts


def settle(tx: Tx, ended: Sequence[Ended], now: datetime) -> set[int]:
    """T5: write outcomes. A success counts under any fence; anything else only under its own, while the
    message is still sending. Returns the ids of messages that were changed."""
    if not ended:
        return set()
    columns = ("outcome", "scope", "code", "detail", "ref")
    tries = [{f"_{name}": getattr(one, name) for name in ("id", "n", *columns)} for one in ended]
    this = and_(ATTEMPT.c.message_id == bindparam("_id"), ATTEMPT.c.n == bindparam("_n"))
    told: dict[str, Any] = {name: bindparam(f"_{name}") for name in columns}
    tx.conn.execute(update(ATTEMPT).where(this).values(ended_at=now, **told), tries)
    query = select(MESSAGE.c.id, MESSAGE.c.status, MESSAGE.c.fence, MESSAGE.c.due_at)
    query = query.where(MESSAGE.c.id.in_([one.id for one in ended])).order_by(MESSAGE.c.id)
    stands = {row.id: row for row in tx.conn.execute(query.with_for_update() if tx.locks_rows else query)}
    counted = [one for one in ended if _counts(one, stands[one.id].status, stands[one.id].fence)]
    rows = [
        {"_id": one.id, "_status": one.status, "_reason": one.reason, "_sent_at": now if one.status == "sent" else None,
         "_provider_ref": one.ref, "_due_at": one.due_at or stands[one.id].due_at}
        for one in counted
    ]  # fmt: skip
    if rows:
        told = {name: bindparam(f"_{name}") for name in ("status", "reason", "sent_at", "due_at", "provider_ref")}
        changed = update(MESSAGE).where(MESSAGE.c.id == bindparam("_id"))
        tx.conn.execute(changed.values(**told, lease_until=None, fence=MESSAGE.c.fence + 1), rows)
    return {one.id for one in counted}


def _counts(one: Ended, status: str, fence: int) -> bool:
    if one.status == "sent":
        return status not in {"sent", "delivered"}
    return (status, fence) == ("sending", one.fence)


def disarm(tx: Tx, idle: Sequence[tuple[int, int, int]], reason: str) -> None:
    """Messages (id, fence, attempt n) that were armed and surely not handed over: planned again, and no try."""
    for number, fence, n in idle:
        where = and_(MESSAGE.c.id == number, MESSAGE.c.fence == fence, MESSAGE.c.status == "sending")
        first = case((MESSAGE.c.tries > 1, MESSAGE.c.first_armed_at), else_=None)
        values = {"status": "planned", "reason": reason, "lease_until": None, "tries": MESSAGE.c.tries - 1}
        if tx.conn.execute(update(MESSAGE).where(where).values(**values, first_armed_at=first)).rowcount:
            tx.conn.execute(ATTEMPT.delete().where(ATTEMPT.c.message_id == number, ATTEMPT.c.n == n))


def keep_back(tx: Tx, not_sent: Iterable[NotSent]) -> None:
    """Write what becomes of leased messages that do not leave. A lease that was lost is left alone."""
    for one in not_sent:
        values: dict[str, Any] = {"status": one.status, "reason": one.reason, "lease_until": None, "awaits": one.awaits}
        if one.due_at is not None:
            values["due_at"] = one.due_at
        where = and_(MESSAGE.c.id == one.id, MESSAGE.c.status == "leased", MESSAGE.c.fence == one.fence)
        tx.conn.execute(update(MESSAGE).where(where).values(**values))
