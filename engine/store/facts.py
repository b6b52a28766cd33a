"""Subjects: finding them by the names sources use, their sealed state, and the log it is folded from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Row, and_, bindparam, insert, select, update

from engine.contracts import Observation
from engine.model.event import Event
from engine.model.facts import State
from engine.rules.fold import Heard
from engine.rules.identify import order_number
from engine.rules.observe import digest
from engine.rules.phone import number_of
from engine.store import calls
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.sealed import Erased, Vault
from engine.store.session import Tx
from engine.store.tables import ALIAS, EVENT, OBSERVATION, SUBJECT

_state = msgspec.json.Decoder(State)
_observation: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)

# Statements of the hot path are built once: building one costs more than SQLite needs to run it.
MINE: BindParameter[int] = bindparam("merchant")
NAMES = select(ALIAS.c.name, ALIAS.c.subject_id)
ALIASES = Query(NAMES.where(ALIAS.c.merchant_id == MINE, among(ALIAS.c.name, "names")))
NAMES_OF = Query(NAMES.where(ALIAS.c.merchant_id + 0 == MINE, among(ALIAS.c.subject_id, "ids")))
NUMBERED = Query(
    select(SUBJECT.c.number, SUBJECT.c.id)
    .where(SUBJECT.c.merchant_id + 0 == MINE, among(SUBJECT.c.number, "numbers"))
    .where(SUBJECT.c.joined_into.is_(None))
    .order_by(SUBJECT.c.id)
)
# By the ids: without statistics a database takes an index by its first column, the merchant, and reads all of theirs.
THESE = and_(SUBJECT.c.merchant_id + 0 == MINE, among(SUBJECT.c.id, "ids"))
ROWS = select(SUBJECT).where(THESE).order_by(SUBJECT.c.id)
LOAD, LOAD_LOCKED = Query(ROWS), Query(ROWS.with_for_update(key_share=True))
_STANDING = select(SUBJECT.c.id, SUBJECT.c.version).where(THESE).order_by(SUBJECT.c.id)
VERSIONS_LOCKED = Query(_STANDING.with_for_update(key_share=True))
SAVED = ("version", "updated_at", "stage", "sealed_state", "number", "email_index", "phone_index", "placed_at")
SAVE = Bulk(update(SUBJECT).where(SUBJECT.c.id == bindparam("_id")).values({n: bindparam(n) for n in SAVED}))
CREATE, NAME, REMEMBER, HAPPENED = (Bulk(insert(table)) for table in (SUBJECT, ALIAS, OBSERVATION, EVENT))


@dataclass(kw_only=True)
class Held:
    """A subject as loaded. Its state is opened when it is first asked for: whoever only compares versions, or
    ends a run, needs none."""

    id: int
    merchant: int
    version: int
    wrapped_key: bytes | None
    stage: str = "new"
    joined: bool = False  # it turned out to be another subject
    read: Callable[[], State | None] = field(repr=False)

    @cached_property
    def state(self) -> State | None:
        """What is known; None when it was erased. May be set to what is known now, for `save`."""
        return self.read()


def aliases(tx: Tx, names: Collection[str]) -> dict[str, int]:
    """Name -> subject, for those of the names that are known to this merchant."""
    if not names:
        return {}
    return {row.name: row.subject_id for row in ALIASES(tx, merchant=tx.merchant, names=names)}


def names_of(tx: Tx, subjects: Collection[int]) -> dict[int, set[str]]:
    """Subject -> all names that it goes by."""
    found: dict[int, set[str]] = {}
    if subjects:
        for name, subject in NAMES_OF(tx, merchant=tx.merchant, ids=subjects):
            found.setdefault(subject, set()).add(name)
    return found


def numbered(tx: Tx, numbers: Collection[str]) -> dict[str, list[int]]:
    """Normalised order number -> subjects that carry it, oldest first (two shops may count alike)."""
    found: dict[str, list[int]] = {}
    if numbers:
        for number, subject in NUMBERED(tx, merchant=tx.merchant, numbers=numbers):
            found.setdefault(number, []).append(subject)
    return found


def load(tx: Tx, ids: Collection[int], *, lock: bool = False) -> dict[int, Held]:
    """Subjects by id, locked in the order of their ids where the database locks rows."""
    if not ids:
        return {}
    query = LOAD_LOCKED if lock else LOAD
    return {
        row.id: Held(
            id=row.id, merchant=row.merchant_id, version=row.version, wrapped_key=row.wrapped_key, stage=row.stage,
            joined=row.joined_into is not None, read=partial(_read_state, tx.vault, row),
        )
        for row in query(tx, merchant=tx.merchant, ids=ids)
    }  # fmt: skip


def _read_state(vault: Vault, row: Row[Any]) -> State | None:
    if row.wrapped_key is None:
        return None
    if row.sealed_state is None:
        return State()
    return _state.decode(vault.open(row.wrapped_key, aad(row.merchant_id, f"state/{row.id}"), row.sealed_state))


def lock(tx: Tx, ids: Collection[int]) -> None:
    """Lock subjects in the order of their ids: before their messages, as everybody does."""
    if tx.locks_rows:
        versions(tx, ids)


def versions(tx: Tx, ids: Collection[int]) -> dict[int, int]:
    """Subject -> its version, locked like `lock`."""
    if not ids:
        return {}
    return {row.id: row.version for row in VERSIONS_LOCKED(tx, merchant=tx.merchant, ids=ids)}


def create(tx: Tx, count: int, now: datetime) -> list[Held]:
    """New subjects, each with a data key of its own and nothing known."""
    if not count:
        return []
    merchant = tx.merchant
    made = [
        Held(id=number, merchant=merchant, version=0, wrapped_key=tx.vault.new_key(_owner(merchant)), read=State)
        for number in tx.ids(SUBJECT, count)
    ]
    same = {"merchant_id": merchant, "version": 0, "stage": "new", "updated_at": now}
    CREATE(tx, [{"id": one.id, "wrapped_key": one.wrapped_key, **same} for one in made])
    return made


def save(tx: Tx, held: Iterable[Held], now: datetime) -> None:
    """Write the states back, one version on, with the columns they are listed and found by."""
    rows = []
    for one in held:
        if one.state is None:
            continue
        one.version += 1
        order = one.state.facts.order
        party = order.orderer
        number = number_of(party) if party else None
        where = aad(one.merchant, f"state/{one.id}")
        rows.append({
            "_id": one.id, "version": one.version, "updated_at": now, "stage": one.stage,
            "sealed_state": tx.vault.seal(one.wrapped_key, where, msgspec.json.encode(one.state)),
            "number": order_number(order.number) if order.number else None,
            "email_index": tx.vault.index(one.merchant, "email", party.email) if party and party.email else None,
            "phone_index": tx.vault.index(one.merchant, "phone", number) if number else None,
            "placed_at": order.placed_at,
        })  # fmt: skip
    SAVE(tx, rows)


def name(tx: Tx, names: Sequence[tuple[str, int]]) -> None:
    """Remember names of subjects."""
    if names:
        # Sorted, so that two that tell the same new names wait for each other one way round only.
        rows = [{"merchant_id": tx.merchant, "name": name, "subject_id": subject} for name, subject in sorted(names)]
        NAME(tx, rows)


def log(tx: Tx, held: Held) -> list[Heard]:
    """Everything heard about the subject, in the order in which it was stored."""
    return [Heard(connection=row.connection_id, seen=seen) for row, seen in _read_log(tx, held)]


def observations(tx: Tx, held: Held) -> list[tuple[Any, Observation]]:
    """The log with its rows (received_at, inbox_id), for the timeline."""
    return list(_read_log(tx, held))


def _read_log(tx: Tx, held: Held) -> Iterable[tuple[Any, Observation]]:
    for row in tx.conn.execute(
        select(OBSERVATION).where(OBSERVATION.c.subject_id == held.id).order_by(OBSERVATION.c.id)
    ).all():
        where = aad(held.merchant, f"observation/{row.digest}")
        try:
            yield row, _observation.decode(tx.vault.open(held.wrapped_key, where, row.sealed_body))
        except Erased:
            return


def remember(tx: Tx, new: Sequence[tuple[Held, Heard, int | None]], now: datetime) -> None:
    """Append observations to the logs of their subjects; the number is that of the inbox row."""
    rows = []
    for held, heard, inbox in new:
        name = digest(heard)
        where = aad(held.merchant, f"observation/{name}")
        rows.append({
            "merchant_id": held.merchant, "subject_id": held.id, "inbox_id": inbox,
            "connection_id": heard.connection, "digest": name, "kind": str(heard.seen.__struct_config__.tag),
            "as_of": heard.seen.as_of, "received_at": now,
            "sealed_body": tx.vault.seal(held.wrapped_key, where, msgspec.json.encode(heard.seen)),
        })  # fmt: skip
    REMEMBER(tx, rows)


def happened(tx: Tx, new: Sequence[tuple[Held, Event, str | None]], now: datetime) -> None:
    """Append events; the text says why an event starts no journey."""
    rows = [
        {
            "merchant_id": held.merchant, "subject_id": held.id, "type": event.type, "key": event.key,
            "occurred_at": event.occurred_at, "recorded_at": now, "shipment": event.shipment,
            "return_key": event.return_, "muted": muted,
        }
        for held, event, muted in new
    ]  # fmt: skip
    HAPPENED(tx, rows)
    calls.happened(tx, new, now)


def aad(merchant: int, rest: str) -> str:
    """Associated data: the data key is bound to the merchant, the value to table, column and row as well."""
    return f"{_owner(merchant)}/{rest}"


def _owner(merchant: int) -> str:
    return f"subject:{merchant}"
