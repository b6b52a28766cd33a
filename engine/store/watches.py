"""Who watches: of many processes one at a time, whoever comes first. There is no leader, and a process that dies leaves
nothing behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import WATCH


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A watch that was taken. `before` is business time at the one before, None at the first."""

    before: datetime | None


def take(tx: Tx, name: str, every: timedelta, *, real: datetime, now: datetime) -> Taken | None:
    """Take the watch of that name, unless somebody has within `every` of real time."""
    row = tx.conn.execute(select(WATCH).where(WATCH.c.name == name)).one_or_none()
    if row is None:
        made = insert_into(WATCH, postgres=tx.locks_rows).on_conflict_do_nothing().returning(WATCH.c.name)
        first = tx.conn.execute(made, [{"name": name, "at": real, "seen": now}]).one_or_none()
        return Taken(before=None) if first else None
    if abs(real - row.at) < every:  # a clock that was set back counts as gone by
        return None
    mine = update(WATCH).where(WATCH.c.name == name, WATCH.c.at == row.at).values(at=real, seen=now)
    return Taken(before=row.seen) if tx.conn.execute(mine).rowcount else None


def due(tx: Tx, name: str, every: timedelta, real: datetime) -> bool:
    """May the watch be taken? Asked before a writing transaction is begun."""
    at = last(tx, name)
    return at is None or abs(real - at) >= every


def last(tx: Tx, name: str) -> datetime | None:
    """Real time at which the watch of that name was last taken."""
    return tx.conn.execute(select(WATCH.c.at).where(WATCH.c.name == name)).scalar_one_or_none()
