"""Runs whose wakeup has come are advanced, under the lock of their subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from engine.flow.app import App
from engine.flow.case import Case
from engine.flow.claims import gathered, wakeups
from engine.flow.step import commit, load_courses, signal
from engine.rules.signals import Woke
from engine.store import facts, merchants
from engine.store.session import Tx


def wake(app: App) -> int:
    """Advance the runs that want to be woken by now; returns how many subjects were looked at."""
    with gathered(app, app.lines.wakeups):
        due, now = wakeups(app)
        subjects: dict[int, list[int]] = {}
        for merchant, subject in due:
            subjects.setdefault(merchant, []).append(subject)
        for merchant, ids in subjects.items():
            with app.lines.wakeups.serving({merchant: len(ids)}) as mine, app.store.at_work(mine.much):
                app.store.commit(partial(_wake, app, ids, now), merchant)
    if due:
        app.hints.deliver()
    return len(due)


def _wake(app: App, subjects: Sequence[int], now: datetime, tx: Tx) -> None:
    owner = merchants.by_id(tx, tx.merchant)
    cases = [Case(held=held, merchant=owner) for held in facts.load(tx, subjects, lock=True).values()]
    load_courses(tx, cases, app.journeys.get)
    for case in cases:
        for course in case.courses:
            signal(case, course, Woke(), now)
    commit(tx, cases, now)
