"""What became of a message's attempts so far: which of them may have left, which were nobody's fault."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, select, update

from engine.rules.retry import FREE
from engine.store.among import among
from engine.store.compiled import Query
from engine.store.session import Tx
from engine.store.tables import ATTEMPT


@dataclass(frozen=True, kw_only=True)
class Past:
    """`unknowns` attempts may have left, the first armed at `since`, the last over `connection`; `free` were put
    off for the whole account and are no tries of the message; `refused` are the connections whose provider did not
    want this message for this person. `batched`: one that may have left did so in a request that carried others too,
    under a key that is not the message's."""

    unknowns: int = 0
    since: datetime | None = None
    connection: str | None = None
    free: int = 0
    batched: bool = False
    refused: frozenset[str] = frozenset()


NOTHING = Past()
PAST = Query(
    select(
        ATTEMPT.c.message_id, ATTEMPT.c.outcome, ATTEMPT.c.scope, ATTEMPT.c.armed_at, ATTEMPT.c.connection_id,
        ATTEMPT.c.batch,
    )
    .where(ATTEMPT.c.merchant_id == bindparam("merchant"))
    .where(among(ATTEMPT.c.message_id, "ids"))
    .order_by(ATTEMPT.c.message_id, ATTEMPT.c.n)
)  # fmt: skip


def past(tx: Tx, messages: Collection[int]) -> dict[int, Past]:
    """Message -> what is known of its attempts, for those of the merchant's messages that had any. An attempt
    that is still open counts as one that may have left."""
    found: dict[int, Past] = {}
    for row in PAST(tx, merchant=tx.merchant, ids=messages) if messages else ():
        one = found.get(row.message_id, NOTHING)
        if row.outcome in {None, "ambiguous"}:
            since = one.since or row.armed_at
            batched = one.batched or row.batch is not None
            one = replace(one, unknowns=one.unknowns + 1, since=since, connection=row.connection_id, batched=batched)
        elif row.outcome == "deferred" and row.scope in FREE:
            one = replace(one, free=one.free + 1)
        elif row.outcome == "rejected" and row.scope in {"recipient", "message"}:
            one = replace(one, refused=one.refused | {row.connection_id})
        found[row.message_id] = one
    return found


def ended(tx: Tx, message: int, n: int) -> tuple[datetime | None, str | None] | None:
    """(when it ended, its outcome) of an attempt; (None, None) while it is open; None: it was taken back."""
    mine = (ATTEMPT.c.merchant_id == tx.merchant) & (ATTEMPT.c.message_id == message) & (ATTEMPT.c.n == n)
    row = tx.conn.execute(select(ATTEMPT.c.ended_at, ATTEMPT.c.outcome).where(mine)).one_or_none()
    return row and (row.ended_at, row.outcome)


def close(tx: Tx, messages: Collection[int], detail: str, now: datetime) -> None:
    """Open attempts of these messages may have left, and nobody will say more."""
    mine = (ATTEMPT.c.merchant_id == tx.merchant) & ATTEMPT.c.message_id.in_(list(messages))
    ended = update(ATTEMPT).where(mine, ATTEMPT.c.outcome.is_(None))
    tx.conn.execute(ended.values(outcome="ambiguous", detail=detail, ended_at=now))
