"""Messages as they are planned, moved and cancelled; how they leave is in `outbox`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    exists,
    literal_column,
    or_,
    select,
    update,
)

from engine.model.consent import lane
from engine.model.message import UNARMED, MessageStatus
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.engines import insert_into
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import ATTEMPT, MESSAGE
from engine.store.waiting import PLANNED, PLANNED_IN_TIME

# Spelled out: with a parameter in its place no planner could see that a partial index fits.
LEASED = MESSAGE.c.status == literal_column("'leased'")
HELD = MESSAGE.c.status.in_((literal_column("'leased'"), literal_column("'sending'")))

NEVER_LEFT = ("planned", "suppressed", "cancelled", "expired")
THESE = and_(MESSAGE.c.merchant_id + 0 == bindparam("merchant"), among(MESSAGE.c.id, "ids"))
LOAD = Query(select(MESSAGE).where(THESE).order_by(MESSAGE.c.id))
# Found by their subjects: a merchant has a million messages, and SQLite would read all of them by its first column.
STANDING = Query(
    select(MESSAGE.c.id, MESSAGE.c.run_id, MESSAGE.c.step, MESSAGE.c.status).where(
        MESSAGE.c.merchant_id + 0 == bindparam("merchant"),
        among(MESSAGE.c.subject_id, "subjects"),
        among(MESSAGE.c.run_id, "runs"),
    )
)
CONTACT_KNOWN = update(MESSAGE).where(among(MESSAGE.c.subject_id, "_subjects"), MESSAGE.c.awaits == "contact", PLANNED)
UNIQUE = ("merchant_id", "journey", "step", "subject_id", "run_key", "recipient", "occurrence")


class Planned(Struct, frozen=True, kw_only=True):
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


def plan(tx: Tx, wanted: Sequence[Planned], now: datetime) -> dict[tuple[int, str], tuple[int, MessageStatus]]:
    """Plan messages. A row that exists and never left is planned again at the new times; any other stays.

    Returns (run, step) -> (message id, status) of every wanted message as it stands now.
    """
    rows: list[dict[str, Any]] = [
        {
            "public_id": public_id("m"), "merchant_id": tx.merchant, "subject_id": one.subject, "run_id": one.run,
            "journey": one.journey, "digest": one.digest, "step": one.step, "run_key": one.run_key,
            "recipient": one.recipient, "occurrence": "1", "shipment": one.shipment, "return_key": one.return_,
            "event_key": one.event_key, "anchor": one.anchor, "template": one.template, "purpose": one.purpose,
            "lane": lane(one.purpose),
            "passed_over": "", "status": "planned", "awaits": None, "planned_at": now, "due_at": one.due_at,
            "expires_at": one.expires_at, "fence": 0, "tries": 0,
        }
        for one in wanted
    ]  # fmt: skip
    if not rows:
        return {}
    latest = {tuple(row[name] for name in UNIQUE): row for row in rows}  # one batch may plan the same message twice
    _upsert(tx.locks_rows)(tx, list(latest.values()))
    subjects, runs = {one.subject for one in wanted}, [one.run for one in wanted]
    found = STANDING(tx, merchant=tx.merchant, subjects=subjects, runs=runs)
    return {(row.run_id, row.step): (row.id, row.status) for row in found}


@cache
def _upsert(postgres: bool) -> Bulk:
    made = insert_into(MESSAGE, postgres=postgres)
    moved = ("run_id", "digest", "event_key", "anchor", "due_at", "expires_at", "planned_at")
    upsert = made.on_conflict_do_update(
        index_elements=list(UNIQUE),
        set_={**{name: made.excluded[name] for name in moved}, "status": "planned", "reason": None, "awaits": None},
        where=and_(or_(*(MESSAGE.c.status == status for status in NEVER_LEFT)), MESSAGE.c.first_armed_at.is_(None)),
    )
    return Bulk(upsert)


def cancel(tx: Tx, which: ColumnElement[bool], reason: str) -> list[Row[Any]]:
    """Cancel those of the merchant's messages that have not left; leased ones too, whose fence moves so that
    they cannot be armed. One that may have left before and only waits to be repeated becomes unknown: what ends
    is the waiting, not the doubt.

    Returns (id, subject_id, run_id, journey, step, status, reason) of those that ended.
    """
    left = exists().where(ATTEMPT.c.message_id == MESSAGE.c.id, ATTEMPT.c.outcome == "ambiguous")
    doubtful = and_(MESSAGE.c.tries > 0, left)
    gone = (
        update(MESSAGE)
        .where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.status.in_(UNARMED), which)
        .values(
            status=case((doubtful, "unknown"), else_="cancelled"),
            reason=case((doubtful, f"may have left; not repeated: {reason}"), else_=reason),
            fence=MESSAGE.c.fence + 1,
            lease_until=None,
        )
        .returning(*(MESSAGE.c[name] for name in ("id", "subject_id", "run_id", "journey", "step", "status", "reason")))
    )
    return list(tx.conn.execute(gone))


def cancel_of_run(tx: Tx, subject: int, run: int, reason: str) -> list[Row[Any]]:
    """Cancel the messages of a subject's run that have not left; returns what `cancel` does."""
    return cancel(tx, and_(MESSAGE.c.subject_id == subject, MESSAGE.c.run_id == run), reason)


def contact_known(tx: Tx, subjects: Collection[int], now: datetime) -> None:
    """Messages of these subjects that waited for an address are due now."""
    tx.conn.execute(CONTACT_KNOWN, {"_subjects": list(subjects), "due_at": now, "awaits": None})


def resumed(tx: Tx, now: datetime, *, merchant: int | None, journey: str | None) -> int:
    """Messages within this reach that wait because of a pause are due now; the gate finds any other pause.
    Returns how many."""
    where = [PLANNED_IN_TIME, MESSAGE.c.awaits == "resume"]
    where += [MESSAGE.c.merchant_id == merchant] if merchant is not None else []
    where += [MESSAGE.c.journey == journey] if journey is not None else []
    waiting = select(MESSAGE.c.id).where(*where).order_by(MESSAGE.c.id).with_for_update()
    changed = update(MESSAGE).where(MESSAGE.c.id.in_(waiting.scalar_subquery()))
    return tx.conn.execute(changed.values(due_at=now, awaits=None)).rowcount


def load(tx: Tx, ids: Collection[int]) -> list[Row[Any]]:
    """Whole rows of this merchant's messages, in the order of their ids."""
    return LOAD(tx, merchant=tx.merchant, ids=ids) if ids else []


def due_of(tx: Tx, subject: int, now: datetime) -> list[Row[Any]]:
    """(public_id, journey, step) of a subject's planned messages that are due."""
    query = select(MESSAGE.c.public_id, MESSAGE.c.journey, MESSAGE.c.step)
    mine = query.where(MESSAGE.c.merchant_id == tx.merchant, MESSAGE.c.subject_id == subject)
    return list(tx.conn.execute(mine.where(PLANNED, MESSAGE.c.due_at <= now).order_by(MESSAGE.c.id)))


def busy(tx: Tx, now: datetime) -> bool:
    """Is any message due or on its way? Looks at one row of each partial index, however many wait."""
    due = select(MESSAGE.c.id).where(PLANNED_IN_TIME, MESSAGE.c.due_at <= now).limit(1)
    held = select(MESSAGE.c.id).where(HELD).limit(1)
    return any(tx.conn.execute(query).first() is not None for query in (due, held))


def next_due(tx: Tx) -> datetime | None:
    """When the next planned message is due, over all merchants."""
    query = select(MESSAGE.c.due_at).where(PLANNED_IN_TIME).order_by(MESSAGE.c.due_at, MESSAGE.c.id).limit(1)
    return tx.conn.execute(query).scalar_one_or_none()
