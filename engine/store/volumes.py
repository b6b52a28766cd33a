"""How many messages of each journey are armed in an hour of business time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select

from engine.rules.fuse import RECENT, TRAILING
from engine.store.compiled import Query
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import VOLUME


@dataclass(frozen=True)
class Usual:
    """What a journey sends as a rule: the most in an hour, and the first hour known; none for a new journey."""

    busiest: int = 0
    since: datetime | None = None


def count(tx: Tx, journey: str, hour: datetime, more: int) -> tuple[int, int]:
    """Count `more` messages of the merchant's journey; fewer than none are taken back. Returns (armed in this hour by
    now, of which an operator has agreed to so many). The row stays locked until the transaction ends: let it be the
    last statement."""
    row = _count(tx.locks_rows).one(tx, merchant_id=tx.merchant, journey=journey, hour=hour, more=more)
    return row.armed, row.agreed


@cache
def _count(postgres: bool) -> Query:
    made: Any = insert_into(VOLUME, postgres=postgres).values(
        merchant_id=bindparam("merchant_id"), journey=bindparam("journey"), hour=bindparam("hour"),
        armed=bindparam("more"), agreed=0,
    )  # fmt: skip
    counted = made.on_conflict_do_update(
        index_elements=["merchant_id", "journey", "hour"], set_={"armed": VOLUME.c.armed + made.excluded.armed}
    )
    return Query(counted.returning(VOLUME.c.armed, VOLUME.c.agreed))


def usual(tx: Tx, journey: str, hour: datetime) -> Usual:
    """The busiest hour of the days before `hour` but the last, and since when the journey is known."""
    mine = (VOLUME.c.merchant_id == tx.merchant) & (VOLUME.c.journey == journey) & (VOLUME.c.hour < hour)
    since = tx.conn.execute(select(func.min(VOLUME.c.hour)).where(mine)).scalar_one()
    most = select(func.max(VOLUME.c.armed)).where(mine, VOLUME.c.hour.between(hour - TRAILING, hour - RECENT))
    return Usual(busiest=tx.conn.execute(most).scalar_one() or 0, since=since)


def agree(tx: Tx, journey: str, hour: datetime, waiting: int) -> None:
    """An operator has seen what the merchant's journey has sent in this hour, and that `waiting` more would leave."""
    made = insert_into(VOLUME, postgres=tx.locks_rows).values(
        merchant_id=tx.merchant, journey=journey, hour=hour, armed=0, agreed=waiting
    )
    tx.conn.execute(
        made.on_conflict_do_update(
            index_elements=["merchant_id", "journey", "hour"], set_={"agreed": VOLUME.c.armed + waiting}
        )
    )
