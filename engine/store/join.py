"""Two subjects turned out to be one order: everything of the one becomes the other's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, select, update

from engine.model.message import UNARMED
from engine.store.contents import PARTS, seal, unseal
from engine.store.facts import Held, aad, observations
from engine.store.messages import UNIQUE
from engine.store.session import Tx
from engine.store.tables import ALIAS, EVENT, LEDGER, MESSAGE, OBSERVATION, RUN, SUBJECT, TOKEN


def become_one(tx: Tx, gone: Held, into: Held, now: datetime) -> None:
    """Names, log, events, runs, messages, ledger and links of `gone` become those of `into`; what is sealed is
    sealed anew under the key that stays, and the other key is destroyed."""
    _log(tx, gone, into)
    _events(tx, gone, into)
    _runs(tx, gone, into, now)
    _messages(tx, gone, into)
    for table in (ALIAS, LEDGER, TOKEN):
        tx.conn.execute(update(table).where(table.c.subject_id == gone.id).values(subject_id=into.id))
    nothing = {"number": None, "email_index": None, "phone_index": None, "sealed_state": None, "wrapped_key": None}
    # One version on: a letter that was written about it is not armed.
    moved = {"joined_into": into.id, "version": SUBJECT.c.version + 1, **nothing}
    tx.conn.execute(update(SUBJECT).where(SUBJECT.c.id == gone.id).values(**moved))


def _log(tx: Tx, gone: Held, into: Held) -> None:
    for row, seen in observations(tx, gone):
        where = aad(tx.merchant, f"observation/{row.digest}")
        sealed = tx.vault.seal(into.wrapped_key, where, msgspec.json.encode(seen))
        tx.conn.execute(
            update(OBSERVATION).where(OBSERVATION.c.id == row.id).values(subject_id=into.id, sealed_body=sealed)
        )


def _events(tx: Tx, gone: Held, into: Held) -> None:
    known = select(EVENT.c.key).where(EVENT.c.subject_id == into.id)
    tx.conn.execute(delete(EVENT).where(EVENT.c.subject_id == gone.id, EVENT.c.key.in_(known)))
    tx.conn.execute(update(EVENT).where(EVENT.c.subject_id == gone.id).values(subject_id=into.id))


def _runs(tx: Tx, gone: Held, into: Held, now: datetime) -> None:
    """A run that exists there already ends; of two journeys of the same kind, the elder goes on."""
    query = select(RUN.c.id, RUN.c.journey, RUN.c.key)
    taken = {(run.journey, run.key) for run in tx.conn.execute(query.where(RUN.c.subject_id == into.id))}
    for run in tx.conn.execute(query.where(RUN.c.subject_id == gone.id)).all():
        moved: dict[str, Any] = {"subject_id": into.id}
        if (run.journey, run.key) in taken:
            moved |= {"key": f"{run.key}#{run.id}", "state": "ended", "reason": "the order was known twice"}
            moved |= {"wake_at": None, "ended_at": now}
        tx.conn.execute(update(RUN).where(RUN.c.id == run.id).values(**moved))


def _messages(tx: Tx, gone: Held, into: Held) -> None:
    """Of a message that both have one stays: the one that has left or may have left, else that of `into`. It
    belongs to the run that goes on, so that this run finds it instead of planning it anew."""
    query = select(MESSAGE)
    here = {_identity(row): row for row in tx.conn.execute(query.where(MESSAGE.c.subject_id == into.id))}
    runs = select(RUN.c.journey, RUN.c.key, RUN.c.id).where(RUN.c.subject_id == into.id)
    courses = {(run.journey, run.key): run.id for run in tx.conn.execute(runs)}
    for row in tx.conn.execute(query.where(MESSAGE.c.subject_id == gone.id)).all():
        moved: dict[str, Any] = {"subject_id": into.id, "run_id": courses.get((row.journey, row.run_key), row.run_id)}
        twin = here.get(_identity(row))
        if twin is not None and twin.first_armed_at is None and row.first_armed_at is not None:
            tx.conn.execute(update(MESSAGE).where(MESSAGE.c.id == twin.id).values(**_aside(twin)))
        elif twin is not None:
            moved |= _aside(row)
        for part in PARTS:
            if (value := unseal(tx, gone, row, part)) is not None:
                moved[f"sealed_{part}"] = seal(tx, into, row.public_id, part, value)
        tx.conn.execute(update(MESSAGE).where(MESSAGE.c.id == row.id).values(**moved))


def _identity(row: Row[Any]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in UNIQUE if name not in {"subject_id", "merchant_id"})


def _aside(row: Row[Any]) -> dict[str, Any]:
    """Kept for the record beside its twin; one that has not left never will."""
    aside: dict[str, Any] = {"occurrence": f"joined:{row.id}"}
    if row.status in UNARMED:
        aside |= {"status": "cancelled", "reason": "the order was known twice", "fence": row.fence + 1}
    return aside
