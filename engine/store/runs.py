"""Runs and their wakeups, and the journeys they pin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, bindparam, insert, select, update

from engine.model.journey import Journey
from engine.model.run import Run
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import RUN, SWITCH, VERSION
from engine.store.waiting import WAITS_IN_TIME, WAITS_IN_TURN

CHANGING = (
    "digest", "event_type", "event_key", "anchor", "shipment", "return_key", "position", "state", "reason",
    "awaiting", "awaited", "wake_at", "sent", "ended_at",
)  # fmt: skip
# `+ 0`: without statistics SQLite would take an index by its first column, the merchant, and read all of theirs.
MINE = RUN.c.merchant_id + 0 == bindparam("merchant")
OF = Query(select(RUN).where(MINE, among(RUN.c.subject_id, "ids")).order_by(RUN.c.id))
THESE = Query(select(RUN).where(MINE, among(RUN.c.id, "ids")).order_by(RUN.c.id))
AWAKE = Query(select(RUN.c.subject_id).where(MINE, among(RUN.c.subject_id, "ids"), RUN.c.state == "active"))
START = Bulk(insert(RUN))
SAVE = Bulk(
    update(RUN)
    .where(RUN.c.id == bindparam("_id"), RUN.c.merchant_id == bindparam("_merchant"))
    .values({name: bindparam(name) for name in CHANGING})
)
KNOWN = Query(select(VERSION.c.digest).where(among(VERSION.c.digest, "digests")))
SWITCHES = Query(select(SWITCH.c.journey, SWITCH.c.enabled).where(SWITCH.c.merchant_id == bindparam("merchant")))


def of(tx: Tx, subjects: Collection[int]) -> dict[int, list[Run]]:
    """Subject -> its runs, ended ones too (a journey runs once, and may be revived)."""
    return _by_subject(tx, OF, subjects)


def these(tx: Tx, ids: Collection[int]) -> dict[int, list[Run]]:
    """Subject -> its runs, of the runs with these ids."""
    return _by_subject(tx, THESE, ids)


def awake(tx: Tx, subjects: Collection[int]) -> set[int]:
    """Those of the subjects with a run that has not ended."""
    return set(AWAKE.firsts(tx, merchant=tx.merchant, ids=subjects)) if subjects else set()


def _by_subject(tx: Tx, query: Query, ids: Collection[int]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    if ids:
        for row in query(tx, merchant=tx.merchant, ids=ids):
            found.setdefault(row.subject_id, []).append(_run(row))
    return found


def start(tx: Tx, runs: Sequence[tuple[int, Run]], now: datetime) -> list[Run]:
    """Insert new runs (subject, run); returns them with their ids, in the same order."""
    if not runs:
        return []
    started = [
        msgspec.structs.replace(run, id=number) for (_, run), number in zip(runs, tx.ids(RUN, len(runs)), strict=True)
    ]
    START(tx, [
        {**_values(run), "id": run.id, "merchant_id": tx.merchant, "subject_id": subject, "journey": run.journey,
         "key": run.key, "started_at": now, "ended_at": now if run.state == "ended" else None}
        for (subject, _), run in zip(runs, started, strict=True)
    ])  # fmt: skip
    return started


def save(tx: Tx, runs: Iterable[Run], now: datetime) -> None:
    """Write runs that exist back."""
    rows = [
        {**_values(run), "_id": run.id, "_merchant": tx.merchant, "ended_at": now if run.state == "ended" else None}
        for run in runs
    ]
    SAVE(tx, rows)


def due(tx: Tx, now: datetime, limit: int, merchant: int | None = None) -> list[tuple[int, int]]:
    """(merchant, subject) of runs whose wakeup has come, earliest first; of one merchant where it is given. Whoever
    advances them looks again under the subject's lock, so asking twice does no harm."""
    query = select(RUN.c.merchant_id, RUN.c.subject_id).where(
        WAITS_IN_TIME if merchant is None else WAITS_IN_TURN, RUN.c.wake_at <= now
    )
    if merchant is not None:
        query = query.where(RUN.c.merchant_id == merchant)
    rows = tx.conn.execute(query.order_by(RUN.c.wake_at).limit(limit))
    return list(dict.fromkeys((row.merchant_id, row.subject_id) for row in rows))


def next_wakeup(tx: Tx) -> datetime | None:
    """When the next run wants to be woken, over all merchants."""
    query = select(RUN.c.wake_at).where(WAITS_IN_TIME).order_by(RUN.c.wake_at).limit(1)
    return tx.conn.execute(query).scalar_one_or_none()


def pin(tx: Tx, journeys: Iterable[Journey]) -> None:
    """Keep the text of journeys that runs have started from."""
    wanted = {journey.digest: journey for journey in journeys}
    if not wanted:
        return
    known = KNOWN.firsts(tx, digests=wanted)
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
    return {row.journey: row.enabled for row in SWITCHES(tx, merchant=tx.merchant)}


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
