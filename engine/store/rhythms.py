"""The rhythm of each connection that delivers, as one short row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from engine.rules.alarm import Source
from engine.rules.rhythm import Rhythm, heard
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import CONNECTION, RHYTHM


@dataclass(frozen=True)
class Heard:
    """A connection with its rhythm as of now; `new` says that it is not written yet."""

    source: Source
    new: bool


def sources(tx: Tx) -> list[Heard]:
    """Every connection that has ever delivered."""
    query = (
        select(CONNECTION.c.id, CONNECTION.c.merchant_id, CONNECTION.c.last_delivery_at,
               RHYTHM.c.since, RHYTHM.c.last, RHYTHM.c.hours)
        .outerjoin(RHYTHM, RHYTHM.c.connection_id == CONNECTION.c.id)
        .where(CONNECTION.c.last_delivery_at.is_not(None), CONNECTION.c.role == "source")
    )  # fmt: skip
    found: list[Heard] = []
    for row in tx.conn.execute(query):
        known = Rhythm(since=row.since, last=row.last, hours=int(row.hours, 16)) if row.hours else None
        rhythm = heard(known, row.last_delivery_at)
        source = Source(connection=row.id, merchant=row.merchant_id, last=row.last_delivery_at, rhythm=rhythm)
        found.append(Heard(source, rhythm != known))
    return found


def save(tx: Tx, found: Iterable[Heard]) -> None:
    """Write the rhythms that have changed."""
    rows = [
        {"connection_id": one.source.connection, "since": one.source.rhythm.since, "last": one.source.rhythm.last,
         "hours": f"{one.source.rhythm.hours:x}"}
        for one in found if one.new
    ]  # fmt: skip
    if rows:
        made = insert_into(RHYTHM, postgres=tx.locks_rows)
        new = {name: made.excluded[name] for name in ("since", "last", "hours")}
        tx.conn.execute(made.on_conflict_do_update(index_elements=["connection_id"], set_=new), rows)
