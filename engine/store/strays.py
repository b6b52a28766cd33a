"""Deliveries of goods owners that no merchant is set for: which wait for whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, select

from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import STRAY


def note(tx: Tx, strays: Iterable[tuple[str, str, int]]) -> None:
    """(connection, owner, inbox row) of what was parked for want of a merchant."""
    names = ("connection_id", "owner", "inbox_id")
    rows = [dict(zip(names, stray, strict=True)) for stray in sorted(set(strays))]
    if rows:
        tx.conn.execute(insert_into(STRAY, postgres=tx.locks_rows).on_conflict_do_nothing(), rows)


def counts(tx: Tx, connection: str | None = None) -> dict[str, dict[str, int]]:
    """Connection -> owner -> how many deliveries wait; the most first."""
    query = select(STRAY.c.connection_id, STRAY.c.owner, func.count().label("many"))
    query = query.group_by(STRAY.c.connection_id, STRAY.c.owner)
    if connection is not None:
        query = query.where(STRAY.c.connection_id == connection)
    found: dict[str, dict[str, int]] = {}
    for row in tx.conn.execute(query.order_by(func.count().desc(), STRAY.c.owner)):
        found.setdefault(row.connection_id, {})[row.owner] = row.many
    return found


def deliveries(tx: Tx) -> dict[str, int]:
    """Connection -> how many deliveries wait for an owner, each once."""
    query = select(STRAY.c.connection_id, func.count(STRAY.c.inbox_id.distinct()).label("many"))
    return {row.connection_id: row.many for row in tx.conn.execute(query.group_by(STRAY.c.connection_id))}


def of(tx: Tx, connection: str, owner: str) -> list[int]:
    """Inbox rows that wait for that owner."""
    query = select(STRAY.c.inbox_id).where(STRAY.c.connection_id == connection, STRAY.c.owner == owner)
    return list(tx.conn.execute(query.order_by(STRAY.c.inbox_id)).scalars())


def forget(tx: Tx, *, connection: str | None = None, ids: Collection[int] | None = None) -> None:
    """These are worked on again, and noted anew where somebody is still missing."""
    gone = delete(STRAY)
    if connection is not None:
        gone = gone.where(STRAY.c.connection_id == connection)
    if ids is not None:
        gone = gone.where(STRAY.c.inbox_id.in_(list(ids)))
    tx.conn.execute(gone)
