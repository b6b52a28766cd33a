"""What a message holds of a person: address, subject line and exact bytes, sealed under the key of its order."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Row

from engine.store.facts import Held, aad
from engine.store.sealed import Erased
from engine.store.session import Tx

Part = Literal["address", "line", "request"]
PARTS: tuple[Part, ...] = ("address", "line", "request")


def seal(tx: Tx, held: Held, message: str, part: Part, value: bytes) -> bytes:
    """The value as it is stored with the message (public id). Raises Erased when the order was erased."""
    return tx.vault.seal(held.wrapped_key, _where(held, message, part), value)


def unseal(tx: Tx, held: Held, row: Row[Any], part: Part) -> bytes | None:
    """A part of the message in this row; None when it has none yet or the order was erased."""
    sealed = getattr(row, f"sealed_{part}")
    if sealed is None:
        return None
    try:
        return tx.vault.open(held.wrapped_key, _where(held, row.public_id, part), sealed)
    except Erased:
        return None


def _where(held: Held, message: str, part: Part) -> str:
    return aad(held.merchant, f"message/{part}/{message}")
