"""After the database was restored from a backup: what the lost one may have sent since is never sent again blindly.

Sending is paused for all, and every message that was due before the lost database stopped becomes `unknown`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from engine.flow.app import App
from engine.flow.outcome import resolve
from engine.store import attempts, facts, ledger, merchants, pauses, people
from engine.store.ledger import Entry
from engine.store.session import Tx


def restored(app: App, at: datetime) -> int:
    """Fence off what may have left until `at` (aware): when the lost database last worked, or now. Returns how
    many messages became unknown. Doing it again, later, finds only what is new."""
    at = at.astimezone(UTC)
    reason = f"the database was restored from a backup; until {at.isoformat(timespec='minutes')} it may have left"
    paused = f"{pauses.RESTORE_FENCE}: the database was restored"
    with app.store.begin() as tx:
        people.pause(tx, merchant=None, journey=None, reason=paused, now=app.clock.now())
        everyone = [one.id for one in merchants.every(tx)]
    count = 0
    for merchant in everyone:
        while parked := app.store.commit(partial(_park, app, at, reason), merchant):
            count += parked
    return count


def _park(app: App, at: datetime, reason: str, tx: Tx) -> int:
    now = app.clock.now()
    found = pauses.open_before(tx, at, app.settings.batch)
    facts.lock(tx, {row.subject_id for row in found})
    rows = pauses.park(tx, [row.id for row in found], at, reason)
    attempts.close(tx, [row.id for row in rows], reason, now)
    ledger.note(tx, [
        Entry(at=now, decision="unknown", subject=row.subject_id, message=row.id, journey=row.journey, step=row.step,
              reason=reason, values={"was": row.status, "due_at": row.due_at})
        for row in rows
    ])  # fmt: skip
    resolve(app, tx, [(row, "unknown") for row in rows])
    return len(found)
