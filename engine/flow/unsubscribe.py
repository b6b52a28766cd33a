"""A customer says stop: from this commit on nothing of that purpose leaves for the address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.flow.app import App
from engine.flow.consenting import take
from engine.flow.outcome import resolve
from engine.flow.route import persons_of, suppressed_as
from engine.model.consent import ANY
from engine.model.message import Medium
from engine.rules.consent import agreed
from engine.store import consents, ledger, optout, people
from engine.store.consents import Consent
from engine.store.ledger import Entry
from engine.store.people import Link
from engine.store.session import Tx

REASON = "unsubscribed by the customer"


def unsubscribe(app: App, link: Link) -> None:
    """Suppress the address that the link's message went to, for that message's purpose, record the withdrawn
    consent and cancel what is planned. Doing it again changes nothing.

    An erased order has no address left and nothing that could be sent: there is nothing to do.
    """
    now = app.clock.now()

    def stop(tx: Tx) -> None:
        tx.shut_gate(link.merchant)
        row = optout.message(tx, link.message) if link.message is not None else None
        address = optout.address(tx, row) if row is not None else None
        if row is None or address is None:
            return
        persons = persons_of(tx, optout.party(tx, row))
        gone = optout.cancel(tx, row, persons, REASON)
        withdrawn = _withdraw(app, tx, persons, address, row, now)
        if withdrawn or gone:
            values = {"purpose": row.purpose, "cancelled": len(gone)}
            reason = f"the customer stopped {row.purpose} messages"
            notes = [_entry(now, "unsubscribed", row, reason, values)]
            ledger.note(tx, notes + [_entry(now, one.status, one, one.reason, {}) for one in gone])
            resolve(app, tx, [(one, one.status) for one in gone])

    app.store.commit(stop, link.merchant)
    app.hints.deliver()


def _withdraw(app: App, tx: Tx, persons: list[str], address: str, row: Any, now: datetime) -> bool:
    """Suppress the address and record what the person has taken back; False when both stood already."""
    medium: Medium = row.channel or "email"
    index = suppressed_as(tx, medium, address)
    suppressed = row.purpose in people.suppressed(tx, [index]).get(index, ())
    said = consents.together(consents.agreed(tx, persons), persons)
    withdrawn = not persons or agreed(said, medium, now).get(row.purpose) is False
    people.suppress(tx, index, row.purpose, REASON, now)
    if not withdrawn:
        take(app, tx, [
            Consent(
                person=person, channel=ANY, purpose=row.purpose, granted=False, basis="one-click unsubscribe",
                source=row.public_id, at=now, proof={"message": row.public_id, "by": medium},
            )
            for person in persons
        ], now, told=optout.standing(tx, row.subject_id))  # fmt: skip
    return not (suppressed and withdrawn)


def _entry(now: datetime, decision: str, row: Any, reason: str, values: dict[str, Any]) -> Entry:
    return Entry(
        at=now, decision=decision, subject=row.subject_id, message=row.id, journey=row.journey, step=row.step,
        reason=reason, values=values,
    )  # fmt: skip
