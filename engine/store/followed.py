"""What a set of deliveries led to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from engine.store.session import Tx
from engine.store.tables import EVENT, INBOX, LEDGER, MESSAGE, OBSERVATION

FEW = 500  # values in one IN (...)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What deliveries led to. `decisions` counts (decision, journey, reason), `muted` reasons for which events
    started nothing, `messages` their status now; "later" are those planned for later."""

    decisions: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)
    muted: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    def add(self, other: Followed) -> None:
        """Count the other's in."""
        self.decisions.update(other.decisions)
        self.muted.update(other.muted)
        self.messages.update(other.messages)


def ends(tx: Tx, connection: str, keys: Collection[str]) -> list[Row[Any]]:
    """(id, dedupe_key, state, reason) of deliveries as they stand now, in the order of their ids."""
    found: list[Row[Any]] = []
    columns = (INBOX.c.id, INBOX.c.dedupe_key, INBOX.c.state, INBOX.c.reason)
    for some in _portions(list(keys)):
        query = select(*columns).where(INBOX.c.connection_id == connection, INBOX.c.dedupe_key.in_(some))
        found += tx.conn.execute(query)
    return sorted(found, key=lambda row: row.id)


def followed(tx: Tx, deliveries: Sequence[int], since: datetime, now: datetime) -> Followed:
    """What these deliveries (inbox ids) have led to since then for the transaction's merchant."""
    subjects: set[int] = set()
    for some in _portions(deliveries):
        mine = (OBSERVATION.c.merchant_id == tx.merchant) & OBSERVATION.c.inbox_id.in_(some)
        subjects |= set(tx.conn.execute(select(OBSERVATION.c.subject_id).where(mine)).scalars())
    total = Followed()
    for some in _portions(sorted(subjects)):
        named = (LEDGER.c.decision, LEDGER.c.journey, LEDGER.c.reason)
        decided = select(*named, func.count()).where(LEDGER.c.subject_id.in_(some), LEDGER.c.at >= since)
        for decision, journey, reason, count in tx.conn.execute(decided.group_by(*named)):
            total.decisions[decision, journey, reason] += count
        quiet = select(EVENT.c.muted, func.count()).where(EVENT.c.subject_id.in_(some), EVENT.c.recorded_at >= since)
        for reason, count in tx.conn.execute(quiet.where(EVENT.c.muted.is_not(None)).group_by(EVENT.c.muted)):
            total.muted[reason] += count
        planned = select(MESSAGE.c.status, MESSAGE.c.due_at).where(MESSAGE.c.subject_id.in_(some))
        for status, due_at in tx.conn.execute(planned.where(MESSAGE.c.planned_at >= since)):
            total.messages["later" if status == "planned" and due_at > now else status] += 1
    return total


def _portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + FEW] for start in range(0, len(values), FEW))
