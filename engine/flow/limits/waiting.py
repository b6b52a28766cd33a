"""Why due messages of an order are not even taken up: nothing was decided about them, so the ledger cannot tell."""

from __future__ import annotations

from datetime import timedelta

from engine.flow.app import App
from engine.flow.limits.room import chosen, rate, room
from engine.rules.admission import admit
from engine.store import messages
from engine.store.accounts import ways
from engine.store.reports import Decision
from engine.store.session import Tx


def waiting(app: App, tx: Tx, subject: int) -> list[Decision]:
    """What stands in the way of the order's due messages at this moment, as the gate would say it; none when
    somebody will take them up. `tx` is bound to the merchant."""
    now, real = app.clock.now(), app.clock.real()
    due = messages.due_of(tx, subject, now)
    if not due or room(app, tx, tx.merchant) != 0:
        return []
    lease = timedelta(seconds=app.settings.lease_seconds)
    for way in chosen(app, ways(tx)).values():
        wait = admit(way.known, rate(app, way), [False], real, lease).waits[0]
        if wait is not None:
            values = {**wait.values, "connection": way.id, "until": wait.until.isoformat()}
            return [
                Decision(at=now, journey=row.journey, step=row.step, decision="deferred", reason=wait.reason,
                         values=values, message=row.public_id)
                for row in due
            ]  # fmt: skip
    return []
