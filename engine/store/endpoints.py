"""Addresses that people have linked to themselves: LINE accounts, browsers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, true, update

from engine.store.among import among
from engine.store.compiled import Query
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import ENDPOINT

OF = Query(
    select(ENDPOINT)
    .where(ENDPOINT.c.merchant_id == bindparam("merchant"), among(ENDPOINT.c.person_index, "persons"))
    .where(ENDPOINT.c.active == true())
    .order_by(ENDPOINT.c.changed_at, ENDPOINT.c.address_index)
)
NOBODY = ""  # in the place of a person: whose address it is we have asked, at `changed_at`


def of(tx: Tx, persons: Collection[str]) -> dict[str, dict[str, str]]:
    """Blind index of a person -> medium -> address, the one linked last."""
    return {person: {medium: some[-1] for medium, some in held.items()} for person, held in every(tx, persons).items()}


def every(tx: Tx, persons: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """Blind index of a person -> medium -> addresses in use, the one linked last at the end."""
    found: dict[str, dict[str, list[str]]] = {}
    if persons:
        for row in OF(tx, merchant=tx.merchant, persons=persons):
            address = tx.vault.open_raw(_aad(tx, row.medium, row.address_index), row.sealed_address).decode()
            found.setdefault(row.person_index, {}).setdefault(row.medium, []).append(address)
    return found


def link(tx: Tx, medium: str, address: str, persons: Collection[str], now: datetime) -> None:
    """The address belongs to these people from now on. Doing it again changes nothing."""
    index = tx.vault.index(tx.merchant, medium, address)
    sealed = tx.vault.seal_raw(_aad(tx, medium, index), address.encode())
    rows = [
        {
            "merchant_id": tx.merchant, "medium": medium, "address_index": index, "person_index": one,
            "sealed_address": sealed, "active": True, "changed_at": now,
        }
        for one in persons
    ]  # fmt: skip
    if rows:
        made = insert_into(ENDPOINT, postgres=tx.locks_rows)
        again = {"active": True, "changed_at": now}
        key = ["merchant_id", "medium", "address_index", "person_index"]
        tx.conn.execute(made.on_conflict_do_update(index_elements=key, set_=again), rows)


def unlink(tx: Tx, medium: str, persons: Collection[str], address: str | None = None) -> int:
    """The address, or every one of that medium, belongs to these people no longer. Returns how many rows are gone."""
    mine = (ENDPOINT.c.merchant_id == tx.merchant) & (ENDPOINT.c.medium == medium)
    theirs = delete(ENDPOINT).where(mine, ENDPOINT.c.person_index.in_(list(persons)))
    if address is not None:
        theirs = theirs.where(ENDPOINT.c.address_index == tx.vault.index(tx.merchant, medium, address))
    return tx.conn.execute(theirs).rowcount


def owners(tx: Tx, medium: str, address: str) -> list[str]:
    """The people to whom the address belongs, in use or not."""
    index = tx.vault.index(tx.merchant, medium, address)
    mine = (ENDPOINT.c.merchant_id == tx.merchant) & (ENDPOINT.c.medium == medium)
    query = select(ENDPOINT.c.person_index).where(mine, ENDPOINT.c.address_index == index)
    return list(tx.conn.execute(query.where(ENDPOINT.c.person_index != NOBODY)).scalars())


def stranger(tx: Tx, medium: str, address: str, now: datetime, *, again: timedelta) -> bool:
    """Does the address belong to nobody, and was its owner not asked who they are within `again`? Then it is noted that
    they are asked now."""
    if owners(tx, medium, address):
        return False
    index = tx.vault.index(tx.merchant, medium, address)
    row = {
        "merchant_id": tx.merchant, "medium": medium, "address_index": index, "person_index": NOBODY, "active": False,
        "changed_at": now,
    }  # fmt: skip
    made = insert_into(ENDPOINT, postgres=tx.locks_rows).values(**row)
    written = made.on_conflict_do_update(
        index_elements=["merchant_id", "medium", "address_index", "person_index"], set_={"changed_at": now},
        where=ENDPOINT.c.changed_at <= now - again,
    )  # fmt: skip
    return tx.conn.execute(written.returning(ENDPOINT.c.person_index)).first() is not None


def dead(tx: Tx, indexes: Collection[str]) -> None:
    """Nothing reaches these addresses (`address_index`) any more: the next one of their owners is used."""
    mine = (ENDPOINT.c.merchant_id == tx.merchant) & ENDPOINT.c.address_index.in_(list(indexes))
    tx.conn.execute(update(ENDPOINT).where(mine).values(active=False))


def turn(tx: Tx, medium: str, address: str, *, active: bool, now: datetime) -> int:
    """The owner of this address left, or came back. Returns how many rows changed."""
    index = tx.vault.index(tx.merchant, medium, address)
    mine = (ENDPOINT.c.merchant_id == tx.merchant) & (ENDPOINT.c.medium == medium)
    changed = update(ENDPOINT).where(mine, ENDPOINT.c.address_index == index, ENDPOINT.c.active.is_(not active))
    known = changed.where(ENDPOINT.c.person_index != NOBODY)
    return tx.conn.execute(known.values(active=active, changed_at=now)).rowcount


def _aad(tx: Tx, medium: str, index: str) -> str:
    return f"endpoint/address/{tx.merchant}/{medium}/{index}"
