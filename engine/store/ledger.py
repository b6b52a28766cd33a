"""The append-only record of every decision with the values it saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, select

from engine.store import calls
from engine.store.compiled import Bulk
from engine.store.session import Tx
from engine.store.tables import LEDGER

NOTE = Bulk(insert(LEDGER))


class Entry(Struct, frozen=True, kw_only=True):
    """One decision. `values` hold numbers, flags, times and types, nothing personal."""

    at: datetime
    decision: str
    subject: int | None = None
    message: int | None = None
    journey: str | None = None
    step: str | None = None
    reason: str | None = None
    values: Mapping[str, Any] = {}


def note(tx: Tx, entries: Iterable[Entry]) -> None:
    """Append decisions; endpoints that want to know of messages are told."""
    entries = list(entries)
    rows = [
        {
            "merchant_id": tx.merchant, "subject_id": one.subject, "message_id": one.message, "at": one.at,
            "journey": one.journey, "step": one.step, "decision": one.decision, "reason": one.reason,
            "values": {name: _plain(value) for name, value in one.values.items()},
        }
        for one in entries
    ]  # fmt: skip
    NOTE(tx, rows)
    calls.noted(tx, entries)


def of(tx: Tx, subject: int) -> list[Any]:
    """All decisions about a subject, in time order."""
    query = select(LEDGER).where(LEDGER.c.merchant_id == tx.merchant, LEDGER.c.subject_id == subject)
    return list(tx.conn.execute(query.order_by(LEDGER.c.at, LEDGER.c.id)))


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value
