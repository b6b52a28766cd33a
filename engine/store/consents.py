"""What people have agreed to and taken back: append-only, with what proves it. And what they have chosen beside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, insert, select

from engine.model.consent import Agreed
from engine.model.preference import Preference
from engine.store.among import among
from engine.store.compiled import Query
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import CONSENT, PREFERENCE

AGREED = Query(
    select(
        CONSENT.c.id, CONSENT.c.person_index, CONSENT.c.purpose, CONSENT.c.channel, CONSENT.c.granted, CONSENT.c.at,
        CONSENT.c.expires_at,
    )
    .where(CONSENT.c.merchant_id == bindparam("merchant"), among(CONSENT.c.person_index, "persons"))
    .order_by(CONSENT.c.at, CONSENT.c.id)
)  # fmt: skip
RECORDS = Query(
    select(CONSENT)
    .where(CONSENT.c.merchant_id == bindparam("merchant"), among(CONSENT.c.person_index, "persons"))
    .order_by(CONSENT.c.at, CONSENT.c.id)
)
CHOSEN = Query(
    select(PREFERENCE.c.person_index, PREFERENCE.c.chosen).where(
        PREFERENCE.c.merchant_id == bindparam("merchant"), among(PREFERENCE.c.person_index, "persons")
    )
)


class Consent(Struct, frozen=True, kw_only=True):
    """One record. `person` is a blind index. `wording` names the version of the words that were agreed to, `source`
    where it was said; `proof` is whatever shows it, and is sealed."""

    person: str
    channel: str  # a medium, or engine.model.consent.ANY
    purpose: str
    granted: bool
    basis: str
    source: str
    at: datetime
    wording: str | None = None
    expires_at: datetime | None = None
    proof: Mapping[str, Any] = {}

    @property
    def agreed(self) -> Agreed:
        """What it says, without who said it and how."""
        return Agreed(
            purpose=self.purpose, channel=self.channel, granted=self.granted, at=self.at, expires_at=self.expires_at
        )


def record(tx: Tx, records: Sequence[Consent]) -> None:
    """Append records. Nothing is ever changed or taken away."""
    if records:
        tx.conn.execute(insert(CONSENT), [_row(tx, one) for one in records])


def agreed(tx: Tx, persons: Collection[str]) -> dict[str, list[tuple[int, Agreed]]]:
    """Blind index of a person -> what they have said, oldest first, each with its number."""
    found: dict[str, list[tuple[int, Agreed]]] = {}
    if persons:
        for row in AGREED(tx, merchant=tx.merchant, persons=persons):
            said = Agreed(
                purpose=row.purpose, channel=row.channel, granted=row.granted, at=row.at, expires_at=row.expires_at
            )
            found.setdefault(row.person_index, []).append((row.id, said))
    return found


def together(found: Mapping[str, Sequence[tuple[int, Agreed]]], persons: Collection[str]) -> list[Agreed]:
    """What one person has said under all the indexes that name them, oldest first."""
    every = [one for person in persons for one in found.get(person, ())]
    return [said for _, said in sorted(every, key=lambda one: (one[1].at, one[0]))]


def records(tx: Tx, persons: Collection[str]) -> list[Consent]:
    """Everything that was recorded of a person, oldest first, with its proof."""
    rows = RECORDS(tx, merchant=tx.merchant, persons=persons) if persons else []
    return [
        Consent(
            person=row.person_index, channel=row.channel, purpose=row.purpose, granted=row.granted, basis=row.basis,
            source=row.source, at=row.at, wording=row.wording, expires_at=row.expires_at,
            proof=msgspec.json.decode(tx.vault.open_raw(_where(tx, row.person_index), row.sealed_proof))
            if row.sealed_proof else {},
        )
        for row in rows
    ]  # fmt: skip


def chosen(tx: Tx, persons: Collection[str]) -> dict[str, Preference]:
    """Blind index -> what the person has chosen; who has chosen nothing is not in it."""
    if not persons:
        return {}
    rows = CHOSEN(tx, merchant=tx.merchant, persons=persons)
    return {row.person_index: msgspec.convert(row.chosen, Preference) for row in rows}


def choose(tx: Tx, persons: Collection[str], preference: Preference, now: datetime) -> None:
    """Put what the person has chosen in the place of what they chose before, under all of their indexes."""
    value = msgspec.to_builtins(preference)
    for person in sorted(persons):
        made = insert_into(PREFERENCE, postgres=tx.locks_rows)
        written = made.on_conflict_do_update(
            index_elements=["merchant_id", "person_index"], set_={"chosen": value, "changed_at": now}
        )
        values = {"merchant_id": tx.merchant, "person_index": person, "chosen": value, "changed_at": now}
        tx.conn.execute(written.values(**values))


def _row(tx: Tx, one: Consent) -> dict[str, Any]:
    proof = tx.vault.seal_raw(_where(tx, one.person), msgspec.json.encode(one.proof)) if one.proof else None
    return {
        "merchant_id": tx.merchant, "person_index": one.person, "channel": one.channel, "purpose": one.purpose,
        "granted": one.granted, "basis": one.basis, "source": one.source, "at": one.at, "wording": one.wording,
        "expires_at": one.expires_at, "sealed_proof": proof,
    }  # fmt: skip


def _where(tx: Tx, person: str) -> str:
    return f"consent/{tx.merchant}/{person}"
