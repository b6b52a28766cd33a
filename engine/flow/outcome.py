"""T5: what became of an attempt, and what that means for the message and its run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine.contracts import Accepted, Ambiguous, Deferred, Outcome, Rejected
from engine.flow.app import App
from engine.flow.attempt import NotStarted, Try, voices
from engine.flow.case import Case
from engine.flow.doubt import window_of
from engine.flow.given_up import weigh
from engine.flow.limits import fuse, passage
from engine.flow.limits.passage import Told
from engine.flow.step import add_courses, commit, signal
from engine.io.metrics import ATTEMPTS
from engine.model.merchant import Merchant
from engine.model.message import MessageStatus
from engine.rules.breaker import pause
from engine.rules.retry import FREE, RECEIPTS, may_repeat, next_try, spread, step_back
from engine.rules.signals import Resolved
from engine.store import attempts, endpoints, facts, ledger, merchants, outbox, people, runs
from engine.store.ledger import Entry
from engine.store.outbox import Ended
from engine.store.session import Tx

STAYED = (NotStarted, Deferred, Rejected)  # surely not taken by anybody


def settle(app: App, merchant: int, tries: Sequence[tuple[Try, Outcome | NotStarted]]) -> None:
    """Write what came of the attempts, let their runs go on, and tell their accounts. What was not started has
    surely not left: it goes back as if it had not been tried."""
    if not tries:
        return
    now = app.clock.now()
    done = [(one, outcome) for one, outcome in tries if not isinstance(outcome, NotStarted)]
    idle = [(one, outcome.reason) for one, outcome in tries if isinstance(outcome, NotStarted)]
    ended = [_ended(app, one, outcome, now) for one, outcome in done]
    told = [
        Told(channel=one.letter.channel, passage=one.passage, outcome=None if isinstance(said, NotStarted) else said)
        for one, said in voices(tries)
        if one.letter.channel is not None
    ]
    stayed = [(one.letter.row.journey, one.hour) for one, said in tries if isinstance(said, STAYED)]
    back = Counter(
        one.letter.channel.id
        for one, said in tries
        if one.letter.channel and (isinstance(said, NotStarted) or (isinstance(said, Deferred) and said.scope in FREE))
    )
    dead, refused = _dead(done), _refused(app, done)
    lost = [
        (one.letter.row, one.letter.route.index, False)
        for (one, _), end in zip(done, ended, strict=True)
        if _soft(end) and one.letter.route and one.letter.route.index
    ]
    first = True

    def write(tx: Tx) -> None:
        nonlocal first
        if not first and _stands(tx, tries[0][0], ended, now):
            return
        first = False
        if dead or lost:
            tx.shut_gate(merchant)
        facts.lock(tx, {one.letter.row.subject_id for one, _ in tries})
        _take_back(tx, idle, now)
        changed = outbox.settle(tx, ended, now)
        ledger.note(tx, [_entry(one, end, now) for (one, _), end in zip(done, ended, strict=True)])
        for index, reason in dead:
            people.suppress(tx, index, "all", reason, now)
        if lost:
            weigh(app, tx, lost, now)
        if dead:
            endpoints.dead(tx, [index for index, _ in dead])
        final = [
            (one.letter.row, end.status)
            for (one, _), end in zip(done, ended, strict=True)
            if end.id in changed and end.status != "planned"
        ]
        resolve(app, tx, final, tries[0][0].letter.merchant)
        passage.tell(app, tx, told, back)
        for connection in refused:
            merchants.forget_until(tx, connection)
        fuse.give_back(tx, stayed)

    # Patient: what is known now would be unknown for ever if it were not written.
    app.store.commit(write, merchant, patient=True)
    ATTEMPTS.add_all((_connector(one), end.outcome) for (one, _), end in zip(done, ended, strict=True))


def _dead(done: Sequence[tuple[Try, Outcome]]) -> list[tuple[str, str]]:
    """Addresses that nobody can be reached at, as (blind index, why)."""
    return [
        (one.letter.route.index, f"{said.code} {said.detail or ''}".strip()[:200])
        for one, said in done
        if isinstance(said, Rejected) and said.scope == "recipient" and one.letter.route and one.letter.route.index
    ]


def _refused(app: App, done: Sequence[tuple[Try, Outcome]]) -> set[str]:
    """Connections whose login was refused."""
    return {
        one.letter.route.channel.id
        for one, said in done
        if isinstance(said, Rejected | Deferred) and said.scope == "account" and one.letter.route
        and app.channels(one.letter.route.channel.connector).login
    }  # fmt: skip


def _stands(tx: Tx, one: Try, ended: Sequence[Ended], now: datetime) -> bool:
    """Was this written by the try before, whose commit nobody confirmed? Then all that goes with it was, too."""
    outcome = next((end.outcome for end in ended if end.id == one.letter.row.id), None)
    found = attempts.ended(tx, one.letter.row.id, one.n)
    return found == ((now, outcome) if outcome else None)


def _connector(one: Try) -> str:
    return one.letter.channel.connector if one.letter.channel else "none"


def _take_back(tx: Tx, idle: Sequence[tuple[Try, str]], now: datetime) -> None:
    for one, reason in idle:
        outbox.disarm(tx, [(one.letter.row.id, one.letter.row.fence, one.n)], reason)
    ledger.note(tx, [
        Entry(at=now, decision="deferred", subject=one.letter.row.subject_id, message=one.letter.row.id,
              journey=one.letter.row.journey, step=one.letter.row.step, reason=reason)
        for one, reason in idle
    ])  # fmt: skip


def resolve(app: App, tx: Tx, settled: Sequence[tuple[Any, MessageStatus]], merchant: Merchant | None = None) -> None:
    """Tell the runs of these messages (row, status) that their message is settled. The merchant is the
    transaction's, where somebody has it at hand."""
    now = app.clock.now()
    told = {row.run_id: (row, status) for row, status in settled if row.run_id is not None}
    # A run knows its order best: it goes with it into the one that it turned out to be.
    found = runs.these(tx, list(told))
    if not found:
        return
    owner = merchant or merchants.by_id(tx, tx.merchant)
    cases = [Case(held=one, merchant=owner) for one in facts.load(tx, list(found), lock=True).values()]
    add_courses(tx, cases, found, app.journeys.get)
    for case in cases:
        for course in case.courses:
            row, status = told[course.run.id]
            signal(case, course, Resolved(step_id=row.step, status=status, at=now), now)
    commit(tx, cases, now)


def _ended(app: App, one: Try, outcome: Outcome, now: datetime) -> Ended:
    row = one.letter.row
    if isinstance(outcome, Rejected) and outcome.scope not in {"recipient", "message"}:
        # Nothing is wrong with the message: it waits until the account works again, or until it expires.
        outcome = Deferred(scope=outcome.scope, code=outcome.code, detail=outcome.detail)
    match outcome:
        case Accepted(ref=ref, detail=detail):
            return Ended(
                id=row.id, fence=row.fence, n=one.n, outcome="accepted", status="sent", ref=ref, detail=detail,
                silent_at=_silent_at(app, one, now),
            )  # fmt: skip
        case Ambiguous(reason=reason):
            again = _repeated(app, one, now)
            told = "may or may not have left" + (", sent again" if again else "")
            return Ended(
                id=row.id, fence=row.fence, n=one.n, outcome="ambiguous", status="planned" if again else "unknown",
                due_at=again, detail=reason, reason=f"{told}: {reason}",
            )  # fmt: skip
        case Rejected(scope=scope, code=code, detail=detail):
            onward = _another_way(one)
            status: MessageStatus = (
                "planned" if onward else _lost(one, "suppressed" if scope == "recipient" else "dead")
            )
            reason = f"rejected ({scope}): {code} {detail or ''}".strip()
            return Ended(
                id=row.id, fence=row.fence, n=one.n, outcome="rejected", status=status, scope=scope, code=code,
                detail=detail, due_at=now if onward else None,
                reason=f"{reason}; {onward} is next" if onward else reason,
            )  # fmt: skip
        case Deferred():
            return _deferred(app, one, outcome, now)


def _deferred(app: App, one: Try, outcome: Deferred, now: datetime) -> Ended:
    """Surely not taken. What concerns the whole account is no try of this message: only its expiry ends it."""
    row, tries = one.letter.row, one.n - one.past.free
    reason = f"deferred ({outcome.scope}): {outcome.code} {outcome.detail or ''}".strip()
    again: datetime | None
    if outcome.scope in FREE:
        wait = pause(outcome, one.passage.account.trips)
        wait = wait if outcome.after is not None or outcome.scope == "quota" else step_back(wait, one.n)
        again = min(now + spread(wait, app.chance()), row.expires_at)
    else:
        again = next_try(tries, now, after=outcome.after, chance=app.chance())
        if again is None or again >= row.expires_at:
            again, reason = None, f"given up after {tries} tries: {reason}"
    status: MessageStatus = "planned"
    if again is None:
        status = _lost(one, "dead")
    return Ended(
        id=row.id, fence=row.fence, n=one.n, outcome="deferred", status=status, scope=outcome.scope,
        code=outcome.code, detail=outcome.detail, due_at=again, reason=reason,
    )  # fmt: skip


def _silent_at(app: App, one: Try, now: datetime) -> datetime | None:
    """When another medium is tried unless somebody says that it arrived. Only where the channel says such things and
    there is another way: silence of one that never speaks means nothing."""
    span, took = one.letter.step.deliver_within, one.letter.route
    if span is None or took is None or not app.channels(took.channel.connector).capabilities.receipts:
        return None
    others = any(way.address for way in one.letter.routes if way.medium != took.medium)
    return now + span if others else None


def _another_way(one: Try) -> str | None:
    """The medium by which a message goes on that was surely not taken by this one; None when there is none, or when
    an attempt before may have arrived."""
    took = one.letter.route
    if took is None or one.past.unknowns:
        return None
    tried = {way.medium for way in one.letter.routes if way.channel.id in one.past.refused} | {took.medium}
    return next((way.medium for way in one.letter.routes if way.medium not in tried and way.address), None)


def _lost(one: Try, otherwise: MessageStatus) -> MessageStatus:
    """How a message ends that was refused for good: what an attempt before may have done stays open."""
    return "unknown" if one.past.unknowns else otherwise


def _repeated(app: App, one: Try, now: datetime) -> datetime | None:
    """When a message leaves again that may have left; None: never by itself."""
    connection, since = one.letter.channel, one.past.since or now
    channel = app.channels(connection.connector) if connection else None
    window = window_of(app, connection, replace(one.past, batched=one.past.batched or one.batch is not None))
    keyed = window and channel is not None and channel.find is None  # else it takes a while until it can be found
    again = next_try(one.n - one.past.free, now, after=None, chance=app.chance()) if keyed else now + RECEIPTS
    if again is None or again >= one.letter.row.expires_at:
        return None
    lease = timedelta(seconds=app.settings.lease_seconds)
    unknowns = one.past.unknowns + 1
    may = may_repeat(one.letter.step.on_unknown, unknowns, since, again, window=window, lease=lease)
    return again if may else None


def _soft(end: Ended) -> bool:
    """Given up because of the address, which may be well again: its mailbox was full every time."""
    return end.status == "dead" and end.outcome == "deferred" and end.scope == "recipient"


def _entry(one: Try, end: Ended, now: datetime) -> Entry:
    row = one.letter.row
    values: dict[str, Any] = {
        **one.letter.verdict.values, "attempt": end.n, "outcome": end.outcome, "asserts": one.letter.step.asserts,
        "subject_version": one.letter.held.version, **({"soft": True} if _soft(end) else {}),
    }  # fmt: skip
    decision: str = "deferred" if end.status == "planned" else end.status
    if end.status == "planned" and end.outcome == "ambiguous":
        decision = "sent again"
    return Entry(
        at=now, decision=decision, subject=row.subject_id, message=row.id, journey=row.journey, step=row.step,
        reason=end.reason or "the gate was open and the channel took it", values=values,
    )  # fmt: skip
