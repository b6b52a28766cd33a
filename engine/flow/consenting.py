"""What people have agreed to or taken back, written down. Once a withdrawal is committed nothing leaves by it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.flow.app import App
from engine.rules.phone import mobile
from engine.store import consents
from engine.store.consents import Consent
from engine.store.session import Tx


def named(tx: Tx, address: str, country: str) -> str | None:
    """The blind index of whoever has this mail address or telephone number; None for what is neither."""
    if "@" in address:
        return tx.vault.index(tx.merchant, "email", address)
    number = mobile(address, country)
    return tx.vault.index(tx.merchant, "phone", number) if number else None


def record(app: App, merchant: int, records: Sequence[Consent]) -> None:
    """Append the records of one merchant's people."""

    def write(tx: Tx) -> None:
        if any(not one.granted for one in records):
            tx.shut_gate(merchant)
        consents.record(tx, records)

    app.store.commit(write, merchant)
