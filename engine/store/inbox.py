"""Raw deliveries: stored before anything else, claimed by a lease, never thrown away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, count
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Row,
    bindparam,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from engine.store import driver, strays
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.sealed import Vault
from engine.store.session import Tx
from engine.store.tables import INBOX
from engine.store.waiting import NEW_IN_TIME, NEW_IN_TURN

GIVEN = (
    "connection_id", "merchant_id", "dedupe_key", "topic", "verified_by", "backfill", "received_at", "sealed_headers",
    "sealed_body",
)  # fmt: skip
PLACE = (GIVEN.index("connection_id"), GIVEN.index("dedupe_key"))
_SQLITE = sqlite.dialect()
_TEXT: Any = INBOX.c.received_at.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)  # a moment as SQLite keeps it
MOST = 64  # rows in one statement
FINISH = Bulk(
    update(INBOX)
    .where(among(INBOX.c.id, "ids"))
    .values({name: bindparam(name) for name in ("state", "reason", "processed_at", "lease_until")})
)


@dataclass(frozen=True, kw_only=True)
class Raw:
    """One delivery as it goes into or comes out of the inbox."""

    connection: str
    merchant: int | None
    dedupe_key: str
    topic: str | None
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    verified_by: str
    backfill: bool = False
    id: int = 0
    tries: int = 0
    state: str = "new"
    reason: str | None = None


def add(tx: Tx, deliveries: Sequence[Raw]) -> set[tuple[str, str]]:
    """Store deliveries; those known already (connection and dedupe key) change nothing.

    Returns the (connection, dedupe key) pairs that are new.
    """
    new: set[Any] = set()
    conn = tx.conn
    rows = [sealed(tx.vault, raw, postgres=tx.locks_rows) for raw in deliveries]
    for statement, values in statements(rows, "%s" if tx.locks_rows else "?"):
        new.update(driver.fetched(conn, f"{statement} RETURNING connection_id, dedupe_key", values))
    return new


def sealed(vault: Vault, raw: Raw, *, postgres: bool) -> tuple[Any, ...]:
    """The row of a delivery: the values of GIVEN as the driver wants them. Pure computing, a tenth of a millisecond."""
    place = f"{raw.connection}/{raw.dedupe_key}"
    return (
        raw.connection, raw.merchant, raw.dedupe_key, raw.topic, raw.verified_by, raw.backfill,
        raw.received_at if postgres else _TEXT(raw.received_at),
        vault.seal_raw(f"inbox/headers/{place}", msgspec.json.encode(raw.headers)),
        vault.seal_raw(f"inbox/body/{place}", raw.body),
    )  # fmt: skip


def statements(rows: Sequence[tuple[Any, ...]], mark: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What puts `sealed` rows down: few statements, because every one of them gives the interpreter away and then
    waits for it. `mark` is how the driver spells a value: "?", "%s", or "$", which is numbered."""
    if mark != "?":
        # In one order everywhere, so that two intakes that are sent the same deliveries never wait for each other.
        rows = sorted(rows, key=itemgetter(*PLACE))
    for at in range(0, len(rows), MOST):
        some = rows[at : at + MOST]
        yield _statement(len(some), mark), tuple(chain.from_iterable(some))


@cache
def _statement(size: int, mark: str) -> str:
    """An INSERT of `size` rows as the driver spells it; its length is why it is no Core statement."""
    values = count(1)
    given = [", ".join(f"${next(values)}" if mark == "$" else mark for _ in GIVEN) for _ in range(size)]
    rows = ", ".join(f"({row}, 'new', 0)" for row in given)
    return f"INSERT INTO inbox ({', '.join(GIVEN)}, state, tries) VALUES {rows} ON CONFLICT DO NOTHING"  # noqa: S608


def free(real: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Is a waiting delivery in nobody's hands? `real` is real time."""
    return or_(INBOX.c.lease_until.is_(None), INBOX.c.lease_until < real)


def claim(tx: Tx, *, limit: int, lease: timedelta, now: datetime, connection: str | None = None) -> list[Raw]:
    """Take up to `limit` waiting deliveries, oldest first, of one connection where it is given, for `lease` of real
    time. Their tries are counted before the work, so that a delivery which kills its worker is noticed."""
    given = {"limit": limit, "now": now, "until": now + lease} | ({"source": connection} if connection else {})
    rows = _claim(tx.locks_rows, connection is not None)(tx, **given)
    return sorted((_raw(tx, row) for row in rows), key=lambda raw: raw.id)


@cache
def _claim(locks_rows: bool, of_connection: bool) -> Query:
    moment = INBOX.c.lease_until.type
    where = [NEW_IN_TURN if of_connection else NEW_IN_TIME, free(bindparam("now", type_=moment))]
    where += [INBOX.c.connection_id == bindparam("source")] if of_connection else []
    wanted = select(INBOX.c.id).where(*where).order_by(INBOX.c.id).limit(bindparam("limit", type_=Integer))
    if locks_rows:
        wanted = wanted.with_for_update(skip_locked=True)
    return Query(
        update(INBOX)
        .where(INBOX.c.id.in_(wanted.cte("due").select() if locks_rows else wanted.scalar_subquery()))
        .values(lease_until=bindparam("until", type_=moment), tries=INBOX.c.tries + 1)
        .returning(INBOX)
    )


def finish(tx: Tx, ids: Iterable[int], state: str, reason: str | None, now: datetime) -> None:
    """The deliveries have come to their end: processed, ignored, parked or dead, and why."""
    FINISH(tx, [{"ids": ids, "state": state, "reason": reason, "processed_at": now, "lease_until": None}])


def reopen(
    tx: Tx, *, connection: str | None = None, states: Collection[str] = ("parked", "dead"),
    since: datetime | None = None, ids: Collection[int] | None = None,
) -> int:  # fmt: skip
    """Replay: put deliveries of these states, received since then, or these of them, back to new. Returns how many."""
    again = update(INBOX).where(INBOX.c.state.in_(list(states))).values(state="new", tries=0, lease_until=None)
    if connection:
        again = again.where(INBOX.c.connection_id == connection)
    if since:
        again = again.where(INBOX.c.received_at >= since)
    if ids is not None:
        again = again.where(INBOX.c.id.in_(list(ids)))
    if "parked" in states:
        strays.forget(tx, connection=connection, ids=ids)
    return tx.conn.execute(again).rowcount


def waiting(tx: Tx) -> bool:
    """Has any delivery not come to its end?"""
    return tx.conn.execute(select(INBOX.c.id).where(NEW_IN_TIME).limit(1)).first() is not None


def recent(tx: Tx, *, connection: str | None = None, state: str | None = None, limit: int = 50) -> list[Raw]:
    """Deliveries, newest first."""
    query = select(INBOX).order_by(INBOX.c.id.desc()).limit(limit)
    for column, value in (("connection_id", connection), ("state", state)):
        if value is not None:
            query = query.where(INBOX.c[column] == value)
    return [_raw(tx, row) for row in tx.conn.execute(query)]


def _raw(tx: Tx, row: Row[Any]) -> Raw:
    place = f"{row.connection_id}/{row.dedupe_key}"
    headers = tx.vault.open_raw(f"inbox/headers/{place}", row.sealed_headers) if row.sealed_headers else b"{}"
    body = tx.vault.open_raw(f"inbox/body/{place}", row.sealed_body) if row.sealed_body else b""
    return Raw(
        id=row.id, connection=row.connection_id, merchant=row.merchant_id, dedupe_key=row.dedupe_key,
        topic=row.topic, headers=msgspec.json.decode(headers, type=dict[str, str]), body=body,
        received_at=row.received_at, verified_by=row.verified_by, backfill=row.backfill, tries=row.tries,
        state=row.state, reason=row.reason,
    )  # fmt: skip
