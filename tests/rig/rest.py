"""Waiting until everything has come to its end, and what is said of whatever does not.

An open row says itself how long it may be left alone: a message until it is due, whatever somebody has claimed until
the lease is over. From then on somebody must take it up within `TAKEN_UP`. How often it may be put off is the engine's
own table: after a fault that has spoilt some tries, a repeat waits for its pause and for its share of the budget.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from engine.rules.breaker import OPEN, WINDOW
from engine.rules.retry import PAUSES
from tests.rig.scene import Scene
from tests.rig.stores import Reader

TAKEN_UP = timedelta(seconds=60)  # after the moment from which somebody may: a sweep, a batch, a slow machine
SPOILT = 3  # tries of one message that a fault of some seconds can spoil
# Pauses with their jitter; a breaker that opened twice; two windows of a budget of repeats.
PUT_OFF = 1.5 * sum(PAUSES[:SPOILT], timedelta()) + 3 * OPEN + 2 * WINDOW + TAKEN_UP
PAUSE = 0.2  # seconds between two looks
SHOWN = 5  # open rows that are told in full

# A message that has been put off has a reason; one that its journey plans for next week has none, and is not waited
# for.
OPEN = """
SELECT 'delivery', dedupe_key, state, coalesce(lease_until, received_at), lease_until, tries, reason, id
FROM inbox WHERE state = 'new'
UNION ALL
SELECT 'message', public_id, status, CASE status WHEN 'planned' THEN due_at ELSE lease_until END, lease_until, tries,
 reason, id
FROM message WHERE status IN ('leased', 'sending') OR (status = 'planned' AND (due_at <= ? OR reason IS NOT NULL))
"""
ATTEMPTS = (
    "SELECT n, fence, armed_at, ended_at, outcome, scope, code, detail FROM attempt WHERE message_id = ? ORDER BY n"
)
LEDGER = 'SELECT at, decision, reason, "values" FROM ledger WHERE message_id = ? ORDER BY id DESC LIMIT 5'
ACCOUNTS = (
    "SELECT connection_id, held_until, held_for, held_reason, trips, probing_until, window_at, tries, failures, repeats"
    " FROM account"
)


@dataclass(frozen=True)
class Left:
    """A row that has not come to its end. `free_at`: from when on somebody may take it up."""

    what: str
    name: str
    state: str
    free_at: datetime
    lease_until: datetime | None
    tries: int
    reason: str | None
    id: int


def rest(scene: Scene) -> None:
    """Wait until nothing is waiting, put off or under way. What is taken up too late is told to the scene as wrong,
    with all that is known of it; what its journey plans for later than `PUT_OFF` is not waited for."""
    began = _now(scene)
    end, left = began + PUT_OFF, list[Left]()
    while True:
        now = _now(scene)
        with contextlib.suppress(psycopg.Error, sqlite3.Error):
            left = _open(scene.reader, end)
            if not left:
                return
        late = [one for one in left if now > max(one.free_at, began) + TAKEN_UP]
        if late or now > end:
            scene.wrong += _told(scene.reader, late or left, now, now - began)
            return
        time.sleep(PAUSE)


def _now(scene: Scene) -> datetime:
    """By the installation's clock."""
    return datetime.fromtimestamp(scene.clock(), UTC)


def _open(reader: Reader, soon: datetime) -> list[Left]:
    return [
        Left(what, name, state, _moment(free_at), _moment(lease) if lease else None, tries, reason, number)
        for what, name, state, free_at, lease, tries, reason, number in reader.rows(OPEN, soon)
    ]


def _moment(value: Any) -> datetime:
    """SQLite keeps moments as text."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _told(reader: Reader, left: Sequence[Left], now: datetime, waited: timedelta) -> Iterator[str]:
    """One line for all, one for each of the first, one for each account that something is known against."""
    yield f"{len(left)} deliveries and messages had not ended after {waited.total_seconds():.0f} s, at {now:%H:%M:%S}"
    for one in left[:SHOWN]:
        yield (
            f"{one.what} {one.name} is {one.state}, free at {one.free_at:%H:%M:%S}, lease until {one.lease_until},"
            f" {one.tries} tries: {one.reason}"
        )
        if one.what == "message":
            yield from (f"  attempt {_words(row)}" for row in reader.rows(ATTEMPTS, one.id))
            yield from (f"  ledger {_words(row)}" for row in reader.rows(LEDGER, one.id))
    yield from (f"account {_words(row)}" for row in reader.rows(ACCOUNTS))


def _words(row: Sequence[object]) -> str:
    return " | ".join(f"{one:%H:%M:%S.%f}" if isinstance(one, datetime) else str(one) for one in row)
