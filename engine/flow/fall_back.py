"""A message that was taken but did not arrive goes by the next medium: its provider said so, or nothing within
`deliver_within`. It becomes a message of its own, so that a late receipt of the first one still says what became of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.flow.app import App
from engine.flow.letter import Letter, find_ways, open_letters
from engine.store import facts, ledger, silent
from engine.store.ledger import Entry
from engine.store.session import Tx

ARRIVED = frozenset({"delivered", "unknown", "planned", "leased", "sending"})  # or somebody is at it


def fall_back(app: App) -> int:
    """Look after messages whose silence is over; returns how many there were."""
    now = app.clock.now()
    with app.store.read() as tx:
        merchants = silent.merchants(tx, now)
    return sum(app.store.commit(lambda tx: _of_merchant(app, tx, now), merchant) for merchant in merchants)


def _of_merchant(app: App, tx: Tx, now: datetime) -> int:
    rows = silent.take(tx, now, app.settings.batch)
    lost = [row for row in rows if row.status not in ARRIVED]
    facts.lock(tx, {row.subject_id for row in lost})
    letters = open_letters(app, tx, [row.id for row in lost])
    find_ways(app, tx, letters, {}, {letter.row.id: _passed_over(letter.row) for letter in letters})
    due = [letter for letter in letters if _go_on(tx, letter, now)]
    ledger.note(tx, [
        _entry(letter, letter in due, now) for letter in letters if letter in due or letter.row.status == "sent"
    ])  # fmt: skip
    if due:
        app.hints.deliver()
    return len(rows)


def _go_on(tx: Tx, letter: Letter, now: datetime) -> bool:
    open_way = any(way.address for way in letter.routes)
    if not open_way or now >= letter.row.expires_at or not silent.gone_on(tx, letter.row.run_id):
        return False
    return silent.again(tx, letter.row, _passed_over(letter.row), now)


def _passed_over(row: Any) -> str:
    """The media that are not tried again: those before, and the one it went by."""
    return f"{row.passed_over} {row.channel}".strip()


def _entry(letter: Letter, goes_on: bool, now: datetime) -> Entry:
    row = letter.row
    next_medium = next((way.medium for way in letter.routes if way.address), None)
    told = f"by {next_medium} instead" if goes_on else "and there is no other way"
    return Entry(
        at=now, decision="fell back" if goes_on else "not delivered", subject=row.subject_id, message=row.id,
        journey=row.journey, step=row.step, reason=f"nothing says that it arrived by {row.channel}, {told}",
        values={"passed_over": _passed_over(row)},
    )  # fmt: skip
