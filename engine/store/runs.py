"""Runs and their wakeups, and the journeys they pin."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, insert, select, update

from engine.model.journey import Journey
from engine.model.run import Run
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import RUN, SWITCH, VERSION

CHANGING = (
    "digest", "event_type", "event_key", "anchor", "shipment", "return_key", "position", "state", "reason",
    "awaiting", "awaited", "wake_at", "sent", "ended_at",
)  # fmt: skip


def of(tx: Tx, subjects: Collection[int]) -> dict[int, list[Run]]:
    """Subject -> its runs, ended ones too (a journey runs once, and may be revived)."""
    found: dict[int, list[Run]] = {}
    if subjects:
        query = select(RUN).where(RUN.c.merchant_id == tx.merchant, RUN.c.subject_id.in_(list(subjects)))
        for row in tx.conn.execute(query.order_by(RUN.c.id)):
            found.setdefault(row.subject_id, []).append(_run(row))
    return found


def start(tx: Tx, runs: Iterable[tuple[int, Run]], now: datetime) -> list[Run]:
    """Insert new runs (subject, run); returns them with their ids, in the same order."""
    rows = [
        {**_values(run), "merchant_id": tx.merchant, "subject_id": subject, "journey": run.journey, "key": run.key,
         "started_at": now, "ended_at": now if run.state == "ended" else None}
        for subject, run in runs
    ]  # fmt: skip
    if not rows:
        return []
    ids = tx.conn.execute(insert(RUN).returning(RUN.c.id, sort_by_parameter_order=True), rows).scalars()
    given = [run for _, run in runs]
    return [msgspec.structs.replace(run, id=number) for run, number in zip(given, ids, strict=True)]


def save(tx: Tx, runs: Iterable[Run], now: datetime) -> None:
    """Write runs that exist back."""
    rows = [{**_values(run), "_id": run.id, "ended_at": now if run.state == "ended" else None} for run in runs]
    if rows:
        saved = update(RUN).where(RUN.c.id == bindparam("_id"), RUN.c.merchant_id == tx.merchant)
        tx.conn.execute(saved.values({name: bindparam(name) for name in CHANGING}), rows)


def due(tx: Tx, now: datetime, limit: int) -> list[tuple[int, int]]:
    """(merchant, subject) of runs whose wakeup has come, earliest first. Whoever advances them looks again
    under the subject's lock, so asking twice does no harm."""
    query = select(RUN.c.merchant_id, RUN.c.subject_id).where(RUN.c.wake_at <= now, RUN.c.wake_at.is_not(None))
    return list(
        dict.fromkeys(
            (r.merchant_id, r.subject_id) for r in tx.conn.execute(query.order_by(RUN.c.wake_at).limit(limit))
        )
    )


def next_wakeup(tx: Tx) -> datetime | None:
    """When the next run wants to be woken, over all merchants."""
    query = select(RUN.c.wake_at).where(RUN.c.wake_at.is_not(None)).order_by(RUN.c.wake_at).limit(1)
    return tx.conn.execute(query).scalar_one_or_none()


def pin(tx: Tx, journeys: Iterable[Journey]) -> None:
    """Keep the text of journeys that runs have started from."""
    wanted = {journey.digest: journey for journey in journeys}
    if not wanted:
        return
    known = tx.conn.execute(select(VERSION.c.digest).where(VERSION.c.digest.in_(list(wanted)))).scalars()
    made = insert_into(VERSION, postgres=tx.locks_rows).on_conflict_do_nothing()
    for digest in sorted(set(wanted) - set(known)):
        body = msgspec.json.decode(wanted[digest].canonical())
        tx.conn.execute(made.values(digest=digest, name=wanted[digest].name, body=body))


def pinned(tx: Tx, digest: str) -> Journey:
    """The journey that a run pins."""
    body = tx.conn.execute(select(VERSION.c.body).where(VERSION.c.digest == digest)).scalar_one()
    return Journey.model_validate(body)


def switches(tx: Tx) -> dict[str, bool]:
    """The merchant's choices: journey -> on or off."""
    rows = tx.conn.execute(select(SWITCH).where(SWITCH.c.merchant_id == tx.merchant))
    return {row.journey: row.enabled for row in rows}


def switch(tx: Tx, journey: str, on: bool, now: datetime) -> None:
    """Record the merchant's choice."""
    where = (SWITCH.c.merchant_id == tx.merchant) & (SWITCH.c.journey == journey)
    if not tx.conn.execute(update(SWITCH).where(where).values(enabled=on, changed_at=now)).rowcount:
        values = {"merchant_id": tx.merchant, "journey": journey, "enabled": on, "changed_at": now}
        tx.conn.execute(insert(SWITCH).values(**values))


def _values(run: Run) -> dict[str, Any]:
    return {
        "digest": run.digest, "event_type": run.event_type, "event_key": run.event_key, "anchor": run.anchor,
        "shipment": run.shipment, "return_key": run.return_, "position": run.position, "state": run.state,
        "reason": run.reason, "awaiting": run.awaiting, "awaited": run.awaited,
        "wake_at": run.wake_at if run.state == "active" else None, "sent": run.sent,
    }  # fmt: skip


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id, journey=row.journey, digest=row.digest, key=row.key, event_type=row.event_type,
        event_key=row.event_key, anchor=row.anchor, shipment=row.shipment, return_=row.return_key,
        position=row.position, state=row.state, reason=row.reason, awaiting=row.awaiting, awaited=row.awaited,
        wake_at=row.wake_at, sent=row.sent,
    )  # fmt: skip
