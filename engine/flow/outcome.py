"""T5: what became of an attempt, and what that means for the message and its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.contracts import Accepted, Ambiguous, Deferred, Outcome, Rejected, Request
from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.letter import Letter
from engine.flow.step import commit, load_courses, signal
from engine.model.message import MessageStatus
from engine.rules.retry import next_try
from engine.rules.signals import Resolved
from engine.store import facts, ledger, merchants, optout, outbox, people
from engine.store.ledger import Entry
from engine.store.outbox import Ended
from engine.store.session import Tx


@dataclass(frozen=True, kw_only=True)
class Try:
    """One attempt under way. `armed_at` is a reading of the monotonic clock."""

    letter: Letter
    request: Request
    n: int
    armed_at: float


LATE = "not started in time after arming"


def settle(app: App, merchant: int, tries: Sequence[tuple[Try, Outcome | None]]) -> None:
    """Write what came of the attempts, and let their runs go on. What was not started (None) has surely not
    left: it goes back as if it had not been tried."""
    if not tries:
        return
    now = app.clock.now()
    done = [(one, outcome) for one, outcome in tries if outcome is not None]
    idle = [one for one, outcome in tries if outcome is None]
    ended = [_ended(app, one, outcome, now) for one, outcome in done]

    def write(tx: Tx) -> None:
        facts.lock(tx, {one.letter.row.subject_id for one, _ in tries})
        _take_back(tx, idle, now)
        changed = outbox.settle(tx, ended, now)
        ledger.note(tx, [_entry(one, end, now) for (one, _), end in zip(done, ended, strict=True)])
        for one, outcome in done:
            if isinstance(outcome, Rejected) and outcome.scope == "recipient" and one.letter.address:
                index = tx.vault.index(merchant, "email", one.letter.address)
                people.suppress(tx, index, "all", f"{outcome.code} {outcome.detail or ''}".strip()[:200], now)
        final = [
            (one.letter.row, end.status)
            for (one, _), end in zip(done, ended, strict=True)
            if end.id in changed and end.status != "planned"
        ]
        resolve(app, tx, final)

    # Patient: what is known now would be unknown for ever if it were not written.
    app.store.commit(write, merchant, patient=True)


def _take_back(tx: Tx, idle: Sequence[Try], now: datetime) -> None:
    outbox.disarm(tx, [(one.letter.row.id, one.letter.row.fence, one.n) for one in idle], LATE)
    ledger.note(tx, [
        Entry(at=now, decision="deferred", subject=one.letter.row.subject_id, message=one.letter.row.id,
              journey=one.letter.row.journey, step=one.letter.row.step, reason=LATE)
        for one in idle
    ])  # fmt: skip


def resolve(app: App, tx: Tx, settled: Sequence[tuple[Any, MessageStatus]]) -> None:
    """Tell the runs of these messages (row, status) that their message is settled."""
    now = app.clock.now()
    runs = {row.run_id: (row, status) for row, status in settled if row.run_id is not None}
    if not runs:
        return
    merchant = merchants.by_id(tx, tx.merchant)
    held = facts.load(tx, {row.subject_id for row, _ in settled}, lock=True)
    if moved := {optout.standing(tx, number) for number, one in held.items() if one.joined}:
        held |= facts.load(tx, moved, lock=True)  # a run goes with its order into the one that it turned out to be
    cases = [Case(held=one, merchant=merchant) for one in held.values()]
    load_courses(tx, cases, app.journeys.get)
    for case in cases:
        for course in case.courses:
            if course.run.id in runs:
                row, status = runs[course.run.id]
                signal(case, course, Resolved(step_id=row.step, status=status, at=now), now)
    commit(tx, cases, now)


def _ended(app: App, one: Try, outcome: Outcome, now: datetime) -> Ended:
    row = one.letter.row
    if isinstance(outcome, Rejected) and outcome.scope not in {"recipient", "message"}:
        # Nothing is wrong with the message: it waits until the account works again, or until it expires.
        outcome = Deferred(scope=outcome.scope, code=outcome.code, detail=outcome.detail)
    match outcome:
        case Accepted(ref=ref, detail=detail):
            return Ended(id=row.id, fence=row.fence, n=one.n, outcome="accepted", status="sent", ref=ref, detail=detail)
        case Ambiguous(reason=reason):
            return Ended(
                id=row.id, fence=row.fence, n=one.n, outcome="ambiguous", status="unknown", detail=reason,
                reason=f"may or may not have left: {reason}",
            )  # fmt: skip
        case Rejected(scope=scope, code=code, detail=detail):
            status: MessageStatus = "suppressed" if scope == "recipient" else "dead"
            return Ended(
                id=row.id, fence=row.fence, n=one.n, outcome="rejected", status=status, scope=scope, code=code,
                detail=detail, reason=f"rejected ({scope}): {code} {detail or ''}".strip(),
            )  # fmt: skip
        case Deferred(scope=scope, code=code, after=after, detail=detail):
            again = next_try(one.n, now, after=after, chance=app.chance())
            given_up = again is None or again >= row.expires_at
            reason = f"deferred ({scope}): {code} {detail or ''}".strip()
            return Ended(
                id=row.id, fence=row.fence, n=one.n, outcome="deferred", status="dead" if given_up else "planned",
                scope=scope, code=code, detail=detail, due_at=None if given_up else again,
                reason=f"given up after {one.n} tries: {reason}" if given_up else reason,
            )  # fmt: skip


def _entry(one: Try, end: Ended, now: datetime) -> Entry:
    row = one.letter.row
    values: dict[str, Any] = {
        **one.letter.verdict.values, "attempt": end.n, "outcome": end.outcome, "asserts": one.letter.step.asserts,
        "subject_version": one.letter.held.version,
    }  # fmt: skip
    decision = {"sent": "sent", "planned": "deferred"}.get(end.status, end.status)
    return Entry(
        at=now, decision=decision, subject=row.subject_id, message=row.id, journey=row.journey, step=row.step,
        reason=end.reason or "the gate was open and the channel took it", values=values,
    )  # fmt: skip
