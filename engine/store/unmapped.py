"""Statuses that stand in no table of ours: counted where they come, for whoever maps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import UNMAPPED

LONGEST = 200  # characters of a status
MOST = 200  # of a connection: a field that holds free text must not fill the table


@dataclass(frozen=True, kw_only=True)
class Unmapped:
    """A status that nobody has mapped; `scan`: of a parcel's scan. `last_at` is when it last came."""

    connection: str
    status: str
    scan: bool
    count: int
    first_at: datetime
    last_at: datetime


def count(tx: Tx, connection: str, merchant: int | None, came: Sequence[tuple[str, bool]], now: datetime) -> None:
    """Add what came: each status, and whether it was a scan's."""
    known = set(tx.conn.execute(select(UNMAPPED.c.status).where(UNMAPPED.c.connection_id == connection)).scalars())
    scans: dict[str, bool] = {}
    times: Counter[str] = Counter()
    for status, scan in came:
        name = status.replace("\0", "")[:LONGEST]
        if name in known or len(known) < MOST:
            known.add(name)
            times[name] += 1
            scans[name] = scans.get(name, False) or scan
    rows = [
        {"connection_id": connection, "merchant_id": merchant, "status": name, "scan": scans[name], "count": n,
         "first_at": now, "last_at": now}
        for name, n in sorted(times.items())
    ]  # fmt: skip
    if rows:
        made = insert_into(UNMAPPED, postgres=tx.locks_rows)
        changes = {"count": UNMAPPED.c["count"] + made.excluded["count"], "last_at": made.excluded.last_at,
                   "scan": UNMAPPED.c.scan | made.excluded.scan}  # fmt: skip
        tx.conn.execute(made.on_conflict_do_update(index_elements=["connection_id", "status"], set_=changes), rows)


def of(tx: Tx, connection: str | None = None) -> list[Unmapped]:
    """Of a connection, or of all; the most frequent first."""
    query = select(UNMAPPED).order_by(UNMAPPED.c["count"].desc(), UNMAPPED.c.status)
    if connection is not None:
        query = query.where(UNMAPPED.c.connection_id == connection)
    return [
        Unmapped(connection=row.connection_id, status=row.status, scan=row.scan, count=row._mapping["count"],
                 first_at=row.first_at, last_at=row.last_at)
        for row in tx.conn.execute(query)
    ]  # fmt: skip


def forget(tx: Tx, connection: str, statuses: Sequence[str]) -> None:
    """Somebody has mapped these."""
    if statuses:
        mine = (UNMAPPED.c.connection_id == connection) & UNMAPPED.c.status.in_(statuses)
        tx.conn.execute(delete(UNMAPPED).where(mine))
