"""Who holds a key to the console, asked again with every request so that a key can be taken back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from engine.store.session import Tx
from engine.store.tables import AccessKey

ACCESS = AccessKey.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whoever is looking. `merchant` is the only merchant they may see; None is the operator, who sees all."""

    name: str
    merchant: int | None


def holder(tx: Tx, key_hash: str) -> Holder | None:
    """The holder of the key with this hash, None once the key is gone."""
    row = tx.conn.execute(select(ACCESS.c.name, ACCESS.c.merchant_id).where(ACCESS.c.hash == key_hash)).one_or_none()
    return Holder(name=row.name, merchant=row.merchant_id) if row else None
