"""Addresses that people have linked to themselves: LINE accounts, browsers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, select, true, update

from engine.store.among import among
from engine.store.engines import insert_into
from engine.store.session import Tx
from engine.store.tables import ENDPOINT

OF = (
    select(ENDPOINT)
    .where(ENDPOINT.c.merchant_id == bindparam("merchant"), among(ENDPOINT.c.person_index, "persons"))
    .where(ENDPOINT.c.active == true())
    .order_by(ENDPOINT.c.changed_at, ENDPOINT.c.address_index)
)


def of(tx: Tx, persons: Collection[str]) -> dict[str, dict[str, str]]:
    """Blind index of a person -> medium -> address, the one linked last."""
    found: dict[str, dict[str, str]] = {}
    if persons:
        for row in tx.conn.execute(OF, {"merchant": tx.merchant, "persons": list(persons)}).all():
            address = tx.vault.open_raw(_aad(tx, row.medium, row.address_index), row.sealed_address).decode()
            found.setdefault(row.person_index, {})[row.medium] = address
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


def turn(tx: Tx, medium: str, address: str, *, active: bool, now: datetime) -> int:
    """The owner of this address left, or came back. Returns how many rows changed."""
    index = tx.vault.index(tx.merchant, medium, address)
    mine = (ENDPOINT.c.merchant_id == tx.merchant) & (ENDPOINT.c.medium == medium)
    changed = update(ENDPOINT).where(mine, ENDPOINT.c.address_index == index, ENDPOINT.c.active.is_(not active))
    return tx.conn.execute(changed.values(active=active, changed_at=now)).rowcount


def _aad(tx: Tx, medium: str, index: str) -> str:
    return f"endpoint/address/{tx.merchant}/{medium}/{index}"
