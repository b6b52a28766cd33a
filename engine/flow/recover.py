"""T6: a message that was armed and whose worker is gone may or may not have left. It is never called failed.

A channel that recognises our key again gets the same message once more, while it does. For any other, and for what may
have left in a batch, it stays unknown and is listed, until a receipt or an operator settles it; a step may ask for one
more (`retry_once`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from engine.flow.app import App
from engine.flow.doubt import window_of
from engine.flow.outcome import resolve
from engine.model.journey import Send
from engine.rules.retry import RECEIPTS, may_repeat
from engine.store import attempts, facts, ledger, merchants, outbox, runs, stranded
from engine.store.attempts import NOTHING, Past
from engine.store.ledger import Entry
from engine.store.outbox import Ended
from engine.store.session import Tx


def recover(app: App) -> int:
    """Settle messages whose lease ran out after arming; returns how many there were."""
    real = app.clock.real()
    with app.store.read() as tx:
        rows = stranded.stranded(tx, real, app.settings.batch)
    by_merchant: dict[int, list[Any]] = {}
    for row in rows:
        by_merchant.setdefault(row.merchant_id, []).append(row)
    return sum(app.store.commit(partial(_recover, app, some, real), one) for one, some in by_merchant.items())


def _recover(app: App, found: Sequence[Any], real: datetime, tx: Tx) -> int:
    """Subjects are locked before their messages; what somebody else has settled meanwhile is left alone."""
    facts.lock(tx, {row.subject_id for row in found})
    rows = stranded.still_stranded(tx, [row.id for row in found], real)
    now = app.clock.now()
    known = attempts.past(tx, [row.id for row in rows])
    ended = [_ended(app, tx, row, known.get(row.id, NOTHING), now) for row in rows]
    outbox.settle(tx, ended, now)
    ledger.note(tx, [
        Entry(at=now, decision="sent again" if end.status == "planned" else "unknown", subject=row.subject_id,
              message=row.id, journey=row.journey, step=row.step, reason=end.reason,
              values={"attempt": end.n, "outcome": end.outcome})
        for row, end in zip(rows, ended, strict=True)
    ])  # fmt: skip
    resolve(app, tx, [(row, end.status) for row, end in zip(rows, ended, strict=True) if end.status == "unknown"])
    return len(rows)


def _ended(app: App, tx: Tx, row: Any, past: Past, now: datetime) -> Ended:
    window = window_of(app, merchants.connection(tx, row.connection_id), past)
    due_at = now if window else now + RECEIPTS
    lease, since = timedelta(seconds=app.settings.lease_seconds), past.since or row.first_armed_at or now
    policy = _step(app, tx, row).on_unknown
    again = may_repeat(policy, past.unknowns, since, due_at, window=window, lease=lease) and due_at < row.expires_at
    return Ended(
        id=row.id, fence=row.fence, n=row.tries, outcome="ambiguous", status="planned" if again else "unknown",
        due_at=due_at if again else None, detail="the lease ran out",
        reason="its worker stopped after arming it" + (", with others in one request" if past.batched else ""),
    )  # fmt: skip


def _step(app: App, tx: Tx, row: Any) -> Send:
    """The step that sends the message, as its run has it."""
    journey = app.journeys.get(row.journey)
    if journey is None or journey.digest != row.digest:
        journey = runs.pinned(tx, row.digest)
    step = next(step for step in journey.steps if step.id == row.step)
    if not isinstance(step, Send):
        raise TypeError(f"journey {journey.name}: step {row.step} sends no message")
    return step
