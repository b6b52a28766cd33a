"""Messages from due to done. The message table is the outbox: there is no other queue.

planned -> leased (T3) -> sending (T4, the point of no return) -> sent | unknown | dead | planned again (T5).
A fence counts the leases: an outcome that comes back under an old fence is believed only when it is a
success, because what has been accepted cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Integer, Row, and_, bindparam, case, insert, select, union_all, update

from engine.model.message import MessageStatus
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.messages import HELD, LEASED
from engine.store.session import Tx
from engine.store.tables import ATTEMPT, MESSAGE
from engine.store.waiting import PLANNED_IN_TIME, PLANNED_IN_TURN


@dataclass(frozen=True, kw_only=True)
class Armed:
    """A message at the point of no return: exact bytes, and where they go."""

    id: int
    fence: int
    n: int  # of the attempt
    connection: str
    channel: str
    address: bytes  # sealed
    line: bytes  # sealed
    request: bytes  # sealed
    first_armed_at: datetime
    batch: int | None = None  # how many its request carries, where that is more than this one


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
    silent_at: datetime | None = None  # when silence will be too long


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """A leased message that does not leave: what it becomes, when to ask again, what makes it due before."""

    id: int
    fence: int
    status: MessageStatus
    reason: str
    due_at: datetime | None = None
    awaits: str | None = None


def claim(
    tx: Tx, *, limit: int, lease: timedelta, now: datetime, real: datetime,
    merchant: int | None = None, lane: int | None = None,
) -> list[Row[Any]]:  # fmt: skip
    """T3: take due messages for `lease` of real time, of one merchant and in one lane where these are given; a lease
    that ran out before arming is taken over first, whoever's it is. Returns (id, merchant_id, fence, due_at, lane),
    earliest due first."""
    given = {"limit": limit, "now": now, "real": real, "until": real + lease, "owner": merchant, "in": lane}
    taken = _claim(merchant is not None, lane is not None)
    values = {name: value for name, value in given.items() if value is not None}
    return sorted(taken(tx, **values), key=lambda row: (row.due_at, row.id))


@cache
def _claim(of_merchant: bool, in_lane: bool) -> Query:
    moment, number = MESSAGE.c.due_at.type, MESSAGE.c.merchant_id.type
    limit = bindparam("limit", type_=Integer)
    where = [
        PLANNED_IN_TURN if of_merchant else PLANNED_IN_TIME,
        MESSAGE.c.due_at <= bindparam("now", type_=moment),
    ]
    where += [MESSAGE.c.lane == bindparam("in", type_=Integer)] if in_lane else []
    where += [MESSAGE.c.merchant_id == bindparam("owner", type_=number)] if of_merchant else []
    # Each half reads its partial index in order and stops at the limit; joined by OR they would be sorted whole.
    due = select(MESSAGE.c.id).where(*where).order_by(MESSAGE.c.due_at, MESSAGE.c.id)
    ran_out = MESSAGE.c.lease_until < bindparam("real", type_=moment)
    over = select(MESSAGE.c.id).where(LEASED, HELD, ran_out).order_by(MESSAGE.c.lease_until)
    halves = [
        half.with_for_update(skip_locked=True).limit(limit).cte(name) for name, half in (("over", over), ("due", due))
    ]
    chosen = union_all(*(half.select() for half in halves)).limit(limit)
    return Query(
        update(MESSAGE)
        .where(MESSAGE.c.id.in_(chosen.scalar_subquery()))
        .values(status="leased", fence=MESSAGE.c.fence + 1, lease_until=bindparam("until", type_=moment))
        .returning(MESSAGE.c.id, MESSAGE.c.merchant_id, MESSAGE.c.fence, MESSAGE.c.due_at, MESSAGE.c.lane)
    )


THESE = among(MESSAGE.c.id, "ids")
# Locked where the database locks rows: SQLAlchemy leaves FOR UPDATE out for SQLite.
LEASES, STANDS = (
    Query(wanted.order_by(MESSAGE.c.id).with_for_update())
    for wanted in (
        select(MESSAGE.c.id, MESSAGE.c.fence).where(THESE, LEASED),
        select(MESSAGE.c.id, MESSAGE.c.status, MESSAGE.c.fence, MESSAGE.c.due_at).where(THESE),
    )
)
ARMS = ("channel", "connection_id", "sealed_address", "sealed_line", "sealed_request", "first_armed_at", "tries")
ARM = Bulk(
    update(MESSAGE)
    .where(MESSAGE.c.id == bindparam("_id"))
    .values({"status": "sending", "lease_until": bindparam("_until"), **{name: bindparam(f"_{name}") for name in ARMS}})
)
ATTEMPTED = Bulk(insert(ATTEMPT))
TOLD = ("outcome", "scope", "code", "detail", "ref")
ATTEMPT_ENDED = Bulk(
    update(ATTEMPT)
    .where(ATTEMPT.c.message_id == bindparam("_id"), ATTEMPT.c.n == bindparam("_n"))
    .values({"ended_at": bindparam("_at"), **{name: bindparam(f"_{name}") for name in TOLD}})
)
BECOMES = ("status", "reason", "sent_at", "due_at", "provider_ref", "silent_at")
SETTLED = Bulk(
    update(MESSAGE)
    .where(MESSAGE.c.id == bindparam("_id"))
    .values({name: bindparam(f"_{name}") for name in BECOMES})
    .values(lease_until=None, fence=MESSAGE.c.fence + 1)
)


def held(tx: Tx, fences: Mapping[int, int]) -> set[int]:
    """Which of the messages are still leased under these fences; locked where the database locks rows."""
    rows = LEASES(tx, ids=fences)
    return {row.id for row in rows if fences[row.id] == row.fence}


def arm(tx: Tx, armed: Sequence[Armed], *, now: datetime, lease_until: datetime) -> None:
    """T4: the bytes and an open attempt are written; after this commit they may leave."""
    if not armed:
        return
    ARM(tx, [
        {
            "_id": one.id, "_until": lease_until, "_channel": one.channel, "_connection_id": one.connection,
            "_sealed_address": one.address, "_sealed_line": one.line, "_sealed_request": one.request,
            "_first_armed_at": one.first_armed_at, "_tries": one.n,
        }
        for one in armed
    ])  # fmt: skip
    ATTEMPTED(tx, [
        {
            "message_id": one.id, "n": one.n, "merchant_id": tx.merchant, "connection_id": one.connection,
            "fence": one.fence, "armed_at": now, "batch": one.batch,
        }
        for one in armed
    ])  # fmt: skip


def settle(tx: Tx, ended: Sequence[Ended], now: datetime) -> set[int]:
    """T5: write outcomes. A success counts under any fence; anything else only under its own, while the
    message is still sending. Returns the ids of messages that were changed."""
    if not ended:
        return set()
    tries = [{"_at": now, **{f"_{name}": getattr(one, name) for name in ("id", "n", *TOLD)}} for one in ended]
    ATTEMPT_ENDED(tx, tries)
    stands = {row.id: row for row in STANDS(tx, ids=[one.id for one in ended])}
    counted = [one for one in ended if _counts(one, stands[one.id].status, stands[one.id].fence)]
    rows = [
        {"_id": one.id, "_status": one.status, "_reason": one.reason, "_sent_at": now if one.status == "sent" else None,
         "_provider_ref": one.ref, "_due_at": one.due_at or stands[one.id].due_at, "_silent_at": one.silent_at}
        for one in counted
    ]  # fmt: skip
    SETTLED(tx, rows)
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
