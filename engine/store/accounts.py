"""How the accounts behind channels stand. Whoever sends reads them, and writes only when something is wrong, when
somebody tries whether it works again, or when the account has a rate of its own.

The operator's accounts (merchant_id empty) are shared: whoever sends through one says how it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update

from engine.rules.admission import Known
from engine.rules.breaker import Account
from engine.rules.rate import Bucket
from engine.store.among import among
from engine.store.compiled import Query
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import ACCOUNT, CONNECTION

OF_ACCOUNT = (
    "held_until", "held_for", "held_reason", "trips", "probing_until", "window_at", "tries", "failures", "repeats"
)  # fmt: skip
OF_BUCKET = ("tokens", "filled_at", "day", "used")
# Built once: this is asked at every arming.
THESE = select(ACCOUNT).where(among(ACCOUNT.c.connection_id, "ids"))
READ, LOCK = Query(THESE), Query(THESE.order_by(ACCOUNT.c.connection_id).with_for_update())
EMPTY = {"tokens": 0.0, "used": 0, "trips": 0, "tries": 0, "failures": 0, "repeats": 0}


@dataclass(frozen=True, kw_only=True)
class Way:
    """A channel's connection that a merchant may send through, and how its account stands."""

    id: str
    merchant: int | None
    connector: str
    config: Mapping[str, str]
    known: Known


def read(tx: Tx, connections: Collection[str]) -> dict[str, Known]:
    """What is known of these connections' accounts; one that is not among them is as good as new."""
    return _read(tx, READ, connections) if connections else {}


def lock(tx: Tx, owners: Mapping[str, int | None]) -> dict[str, Known]:
    """The accounts of these connections (connection -> its merchant, or None), a row each, locked in the order of
    their names until the transaction ends. Subjects and messages are locked before them."""
    found = _read(tx, LOCK, owners)
    missing = sorted(name for name in owners if name not in found)
    if not missing:
        return found
    made = insert_into(ACCOUNT, postgres=tx.locks_rows).on_conflict_do_nothing()
    tx.conn.execute(made, [{"connection_id": name, "merchant_id": owners[name], **EMPTY} for name in missing])
    return _read(tx, LOCK, owners)


def save(tx: Tx, connection: str, known: Known) -> None:
    """Write back what `lock` has given."""
    values = {name: getattr(known.account, name) for name in OF_ACCOUNT}
    values |= {name: getattr(known.bucket, name) for name in OF_BUCKET}
    tx.conn.execute(update(ACCOUNT).where(ACCOUNT.c.connection_id == connection).values(**values))


def ways(tx: Tx) -> list[Way]:
    """The channels that the merchant of this transaction has or shares, in the order in which they were made."""
    query = (
        select(CONNECTION.c.id, CONNECTION.c.merchant_id.label("owner"), CONNECTION.c.connector, CONNECTION.c.config,
               ACCOUNT)
        .select_from(CONNECTION.outerjoin(ACCOUNT, ACCOUNT.c.connection_id == CONNECTION.c.id))
        .where(CONNECTION.c.role == "channel")
        .where(or_(CONNECTION.c.merchant_id == tx.merchant, CONNECTION.c.merchant_id.is_(None)))
        .order_by(CONNECTION.c.created_at, CONNECTION.c.id)
    )  # fmt: skip
    return [
        Way(id=row.id, merchant=row.owner, connector=row.connector, config=row.config,
            known=_known(row) if row.connection_id is not None else Known())
        for row in tx.conn.execute(query)
    ]  # fmt: skip


def _read(tx: Tx, query: Query, names: Collection[str]) -> dict[str, Known]:
    return {row.connection_id: _known(row) for row in query(tx, ids=names)}


def _known(row: Any) -> Known:
    return Known(
        account=Account(**{name: getattr(row, name) for name in OF_ACCOUNT}),
        bucket=Bucket(**{name: getattr(row, name) for name in OF_BUCKET}),
    )
