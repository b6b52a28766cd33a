"""Messages from planned to done. The table is the outbox: there is no other queue.

planned -> leased (T3) -> sending (T4, the point of no return) -> sent | unknown | dead | planned again (T5).
A fence counts the leases: an outcome that comes back under an old fence is believed only when it is a
success, because what has been accepted cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Executable,
    Row,
    and_,
    bindparam,
    case,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import Attempt, MessageRow

MESSAGE = MessageRow.__table__  # type: ignore[attr-defined]
ATTEMPT = Attempt.__table__  # type: ignore[attr-defined]

# Spelled out: with a parameter in its place no planner could see that a partial index fits.
PLANNED = MESSAGE.c.status == literal_column("'planned'")
LEASED = MESSAGE.c.status == literal_column("'leased'")
HELD = MESSAGE.c.status.in_((literal_column("'leased'"), literal_column("'sending'")))

NEVER_LEFT = ("planned", "suppressed", "cancelled", "expired")
UNIQUE = ("merchant_id", "journey", "step", "subject_id", "run_key", "recipient", "occurrence")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A message to plan."""

    subject: int
    run: int
    journey: str
    digest: str
    step: str
    run_key: str
    recipient: str
    shipment: str | None
    return_: str | None
    event_key: str
    anchor: datetime
    template: str
    purpose: str
    due_at: datetime
    expires_at: datetime


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
    status: str
    reason: str | None = None
    due_at: datetime | None = None
    scope: str | None = None
    code: str | None = None
    detail: str | None = None
    ref: str | None = None


def plan(tx: Tx, wanted: Sequence[Planned], now: datetime) -> dict[tuple[int, str], tuple[int, str]]:
    """Plan messages. A row that exists and never left is planned again at the new times; any other stays.

    Returns (run, step) -> (message id, status) of every wanted message as it stands now.
    """
    rows = [
        {
            "public_id": public_id("m"), "merchant_id": tx.merchant, "subject_id": one.subject, "run_id": one.run,
            "journey": one.journey, "digest": one.digest, "step": one.step, "run_key": one.run_key,
            "recipient": one.recipient, "occurrence": "1", "shipment": one.shipment, "return_key": one.return_,
            "event_key": one.event_key, "anchor": one.anchor, "template": one.template, "purpose": one.purpose,
            "status": "planned", "awaits": None, "planned_at": now, "due_at": one.due_at,
            "expires_at": one.expires_at, "fence": 0, "tries": 0,
        }
        for one in wanted
    ]  # fmt: skip
    if not rows:
        return {}
    tx.conn.execute(_upsert(tx.locks_rows), rows)
    query = select(MESSAGE.c.id, MESSAGE.c.run_id, MESSAGE.c.step, MESSAGE.c.status).where(
        MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.run_id.in_([one.run for one in wanted])
    )
    return {(row.run_id, row.step): (row.id, row.status) for row in tx.conn.execute(query)}


@cache
def _upsert(postgres: bool) -> Executable:
    made = (pg_insert if postgres else sqlite_insert)(MESSAGE)
    moved = ("run_id", "digest", "event_key", "anchor", "due_at", "expires_at", "planned_at")
    return made.on_conflict_do_update(
        index_elements=list(UNIQUE),
        set_={**{name: made.excluded[name] for name in moved}, "status": "planned", "reason": None, "awaits": None},
        where=and_(or_(*(MESSAGE.c.status == status for status in NEVER_LEFT)), MESSAGE.c.first_armed_at.is_(None)),
    )


def cancel(tx: Tx, runs: Collection[int], reason: str) -> list[Row[Any]]:
    """Cancel the messages of these runs that have not left. Returns (id, subject_id, journey, step)."""
    gone = (
        update(MESSAGE)
        .where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.run_id.in_(list(runs)))
        .where(MESSAGE.c.status.in_(("planned", "leased")))
        .values(status="cancelled", reason=reason, fence=MESSAGE.c.fence + 1, lease_until=None)
        .returning(MESSAGE.c.id, MESSAGE.c.subject_id, MESSAGE.c.journey, MESSAGE.c.step)
    )  # fmt: skip
    return list(tx.conn.execute(gone))


def contact_known(tx: Tx, subjects: Collection[int], now: datetime) -> None:
    """Messages of these subjects that waited for an address are due now."""
    where = and_(MESSAGE.c.subject_id.in_(list(subjects)), MESSAGE.c.awaits == "contact", MESSAGE.c.status == "planned")
    tx.conn.execute(update(MESSAGE).where(where).values(due_at=now, awaits=None))


def resumed(tx: Tx, now: datetime, *, merchant: int | None, journey: str | None) -> int:
    """Messages within this reach that wait because of a pause are due now; the gate finds any other pause.
    Returns how many."""
    where = [MESSAGE.c.status == "planned", MESSAGE.c.awaits == "resume"]
    where += [MESSAGE.c.merchant_id == merchant] if merchant is not None else []
    where += [MESSAGE.c.journey == journey] if journey is not None else []
    waiting = select(MESSAGE.c.id).where(*where)
    if tx.locks_rows:
        waiting = waiting.order_by(MESSAGE.c.id).with_for_update()
    changed = update(MESSAGE).where(MESSAGE.c.id.in_(waiting.scalar_subquery()))
    return tx.conn.execute(changed.values(due_at=now, awaits=None)).rowcount


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


def load(tx: Tx, ids: Collection[int]) -> list[Row[Any]]:
    """Whole rows of this merchant's messages, in the order of their ids."""
    query = select(MESSAGE).where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.id.in_(list(ids)))
    return list(tx.conn.execute(query.order_by(MESSAGE.c.id))) if ids else []


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
    counted = [one for one in ended if _counts(one, stands[one.id])]
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


def _counts(one: Ended, row: Row[Any]) -> bool:
    if one.status == "sent":
        return row.status not in {"sent", "delivered"}
    return (row.status, row.fence) == ("sending", one.fence)


Verdicts = Mapping[int, tuple[str, str, datetime | None, str | None]]


def disarm(tx: Tx, idle: Sequence[tuple[int, int, int]], reason: str) -> None:
    """Messages (id, fence, attempt n) that were armed and surely not handed over: planned again, and no try."""
    for number, fence, n in idle:
        where = and_(MESSAGE.c.id == number, MESSAGE.c.fence == fence, MESSAGE.c.status == "sending")
        first = case((MESSAGE.c.tries > 1, MESSAGE.c.first_armed_at), else_=None)
        values = {"status": "planned", "reason": reason, "lease_until": None, "tries": MESSAGE.c.tries - 1}
        if tx.conn.execute(update(MESSAGE).where(where).values(**values, first_armed_at=first)).rowcount:
            tx.conn.execute(ATTEMPT.delete().where(ATTEMPT.c.message_id == number, ATTEMPT.c.n == n))


def refuse(tx: Tx, fences: Mapping[int, int], verdicts: Verdicts) -> None:
    """Leased messages that do not leave: id -> (status, reason, new due time, what it waits for)."""
    for number, (status, reason, due_at, awaits) in verdicts.items():
        values: dict[str, Any] = {"status": status, "reason": reason, "lease_until": None, "awaits": awaits}
        if due_at is not None:
            values["due_at"] = due_at
        where = and_(MESSAGE.c.id == number, MESSAGE.c.status == "leased", MESSAGE.c.fence == fences[number])
        tx.conn.execute(update(MESSAGE).where(where).values(**values))


def busy(tx: Tx, now: datetime) -> bool:
    """Is any message due or on its way? Looks at one row of each partial index, however many wait."""
    due = select(MESSAGE.c.id).where(PLANNED, MESSAGE.c.due_at <= now).limit(1)
    held = select(MESSAGE.c.id).where(HELD).limit(1)
    return any(tx.conn.execute(query).first() is not None for query in (due, held))


def next_due(tx: Tx) -> datetime | None:
    """When the next planned message is due, over all merchants."""
    query = select(MESSAGE.c.due_at).where(PLANNED).order_by(MESSAGE.c.due_at, MESSAGE.c.id).limit(1)
    return tx.conn.execute(query).scalar_one_or_none()
