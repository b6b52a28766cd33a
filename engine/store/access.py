"""Who holds a key to the console, asked with every request so that a key can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from engine.store.sealed import token_hash
from engine.store.session import Tx
from engine.store.tables import ACCESS


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whoever is looking. `merchant` is the only merchant they may see; None is the operator, who sees all."""

    name: str
    merchant: int | None


def holder(tx: Tx, key_hash: str) -> Holder | None:
    """The holder of the key with this hash, None once the key is gone."""
    row = tx.conn.execute(select(ACCESS.c.name, ACCESS.c.merchant_id).where(ACCESS.c.hash == key_hash)).one_or_none()
    return Holder(name=row.name, merchant=row.merchant_id) if row else None


def add_key(tx: Tx, key: str, *, name: str, merchant: int | None, now: datetime) -> None:
    """An access key to the console; only its hash is stored."""
    tx.conn.execute(insert(ACCESS).values(hash=token_hash(key), name=name, merchant_id=merchant, created_at=now))


def key_holder(tx: Tx, key: str, now: datetime) -> Holder | None:
    """The holder of an access key that somebody has typed, if it is known; that it was used is noted."""
    found = holder(tx, token_hash(key))
    if found is not None:
        tx.conn.execute(update(ACCESS).where(ACCESS.c.hash == token_hash(key)).values(last_used_at=now))
    return found
