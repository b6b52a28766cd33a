"""T7 receive: what is said later about our messages. It settles what was unknown, suppresses addresses that
bounce or complain, gives up those at which nothing arrives, and moves the run that sent the message. It came through
the inbox like anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from engine.contracts import Receipt
from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.given_up import index_of, weigh
from engine.flow.outcome import resolve
from engine.flow.route import suppressed_as
from engine.flow.step import commit, load_courses, signal
from engine.model.event import EVENT_TYPES, Event, EventType
from engine.model.message import OPEN
from engine.rules.receipt import ARRIVED, SUPPRESSES, becomes
from engine.rules.signals import Happened
from engine.store import facts, ledger, merchants, optout, people, receipts
from engine.store.facts import Held
from engine.store.ledger import Entry
from engine.store.session import Tx


def receive(app: App, tx: Tx, said: Sequence[Receipt]) -> None:
    """Take in receipts of the transaction's merchant. One that names no message of theirs changes nothing."""
    now = app.clock.now()
    rows = receipts.named(tx, {receipt.message for receipt in said})
    standing = {name: row.status for name, row in rows.items()}
    settled, happened, weighed = [], [], []
    for receipt in sorted(said, key=lambda one: one.as_of):
        row = rows.get(receipt.message)
        if row is None or receipt.machine:
            continue
        status = becomes(standing[receipt.message], receipt.status) if row.first_armed_at is not None else None
        if status is not None:
            told = f"{receipt.status}: {receipt.code or ''} {receipt.detail or ''}".strip()[:200]
            reason = told if status == "dead" else None
            receipts.settle(tx, row, status, reason, receipt.as_of)
            if standing[receipt.message] in OPEN:  # whoever sends will find it settled: the run is told here
                settled.append((row, status))
            standing[receipt.message] = status
        _suppress(tx, row, receipt, now)
        ledger.note(tx, [_entry(row, receipt, status, now)])
        if f"message.{receipt.status}" in EVENT_TYPES:
            happened.append((row, receipt))
        if receipt.soft or receipt.status in ARRIVED:
            weighed.append((row, receipt))
    held = facts.load(tx, {row.subject_id for row, _ in (*happened, *weighed)})
    addresses = [(row, index_of(tx, row, held[row.subject_id]), one.status in ARRIVED) for row, one in weighed]
    weigh(app, tx, [(row, index, arrived) for row, index, arrived in addresses if index], now)
    resolve(app, tx, settled)
    _tell_runs(app, tx, held, happened, now)


def _suppress(tx: Tx, row: Any, receipt: Receipt, now: datetime) -> None:
    scopes = SUPPRESSES.get(receipt.status, ())
    address = optout.address(tx, row) if scopes else None
    if address is not None:
        index = suppressed_as(tx, row.channel or "email", address)
        for scope in scopes:
            people.suppress(tx, index, scope, f"{receipt.status}: {receipt.code or 'no code'}", now)


def _entry(row: Any, receipt: Receipt, status: str | None, now: datetime) -> Entry:
    return Entry(
        at=now, decision=receipt.status, subject=row.subject_id, message=row.id, journey=row.journey, step=row.step,
        reason=f"receipt: now {status}" if status else "receipt: nothing changes",
        values={"happened_at": receipt.as_of, "code": receipt.code, "was": row.status,
                **({"soft": True} if receipt.soft else {})},
    )  # fmt: skip


def _tell_runs(
    app: App, tx: Tx, held: Mapping[int, Held], happened: Sequence[tuple[Any, Receipt]], now: datetime
) -> None:
    """Only the run that sent the message hears of it."""
    merchant = merchants.by_id(tx, tx.merchant)
    cases = [Case(held=held[number], merchant=merchant) for number in sorted({row.subject_id for row, _ in happened})]
    load_courses(tx, cases, app.journeys.get)
    for row, receipt in happened:
        kind = cast(EventType, f"message.{receipt.status}")
        event = Event(type=kind, key=f"{kind}/{row.public_id}", occurred_at=receipt.as_of, message=row.id)
        for case in cases:
            for course in case.courses:
                if course.run.id == row.run_id:
                    signal(case, course, Happened(event), now)
    commit(tx, cases, now)
