"""Claims of due messages, waiting deliveries and wakeups, each kind by the turns of those it belongs to.

Lane 0 has what must arrive now, lane 1 what a person may choose not to get (`model.consent.lane`): each has a line
of its own, and whoever works on both looks into lane 0 first, but for one time in `OTHER`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.flow.app import App
from engine.flow.limits.room import room
from engine.flow.turns import Turns, Waiting
from engine.store import inbox, outbox, runs, turns
from engine.store.inbox import Raw
from engine.store.session import Tx

OTHER = 8  # one look in so many goes into lane 1 first, so that a lane 0 that never empties does not starve it


def gathered(app: App, line: Turns[Any]) -> AbstractContextManager[None]:
    """Around a claim and the work on it. The place at work is taken before the claim, so that what comes meanwhile
    makes one batch; but where somebody has much, whoever comes is claimed at once and goes before the next slice."""
    return nullcontext() if line.crowded else app.store.at_work(much=False)


def messages(app: App, lane: int | None = None) -> tuple[int, list[Any]]:
    """T3: lease due messages, of that lane or of the first of both that has some. The lane, and rows of
    `outbox.claim`."""
    lanes = (lane,) if lane is not None else (0, 1) if next(app.lines.looks) % OTHER else (1, 0)
    most = app.settings.batch
    if lane is not None and _only_much(app, app.lines.lanes[lane], lambda tx: _Due(app, tx, lane)):
        return lane, []
    with app.store.giving_way(app.lines.lanes[lanes[0]].much), app.store.begin() as tx:
        due = _Due(app, tx)
        for due.lane in lanes:
            if taken := app.lines.lanes[due.lane].claim(due, most):
                break
    if lane == 0 and due.other:
        app.hints.deliver(1)
    return due.lane, taken


def deliveries(app: App) -> list[Raw]:
    """Lease waiting deliveries; those of one connection in the order in which they came."""
    line = app.lines.deliveries
    if _only_much(app, line, lambda tx: _New(app, tx)):
        return []
    with app.store.giving_way(line.much), app.store.begin() as tx:
        return line.claim(_New(app, tx), app.settings.batch)


def wakeups(app: App) -> tuple[list[tuple[int, int]], datetime]:
    """(merchant, subject) of runs whose wakeup has come, and the moment by which it has. They are not leased."""
    with app.store.read() as tx:
        waking = _Waking(tx, app.clock.now())
        return app.lines.wakeups.claim(waking, app.settings.batch), waking.now


def _only_much(app: App, line: Turns[Any], queue: Callable[[Tx], Waiting[Any]]) -> bool:
    """Are enough threads at work on much, and does nobody else wait? Whoever would find nothing is in no writer's way,
    and whoever finds somebody meets none of the others who are at work."""
    if not line.full:
        return False
    with app.store.read() as tx:
        others = line.others(queue(tx))
    if others:
        app.store.back_soon()
    return not others


@dataclass
class _Due:
    """Due messages in one lane, and leases that ran out."""

    app: App
    tx: Tx
    lane: int = 0
    other: bool = False  # may there be something in lane 1?

    def __post_init__(self) -> None:
        self.now, self.real = self.app.clock.now(), self.app.clock.real()
        self._few: list[tuple[int, int]] | None = None

    def few(self, most: int) -> tuple[list[int], bool]:
        if self._few is None:
            self._few = turns.messages_few(self.tx, self.now, self.real, most)
        whole = len(self._few) < most
        self.other = self.other or not whole or any(lane == 1 for _, lane in self._few)
        return [merchant for merchant, lane in self._few if lane == self.lane], whole

    def everyone(self) -> list[int]:
        return turns.merchants_due(self.tx, self.lane, self.now, self.real)

    def room(self, key: int) -> int | None:
        return room(self.app, self.tx.of(key), key, self.lane)

    def take(self, key: int | None, most: int) -> list[Any]:
        lease = timedelta(seconds=self.app.settings.lease_seconds)
        return outbox.claim(
            self.tx, limit=most, lease=lease, now=self.now, real=self.real, merchant=key, lane=self.lane
        )


@dataclass
class _New:
    """Waiting deliveries."""

    app: App
    tx: Tx

    def __post_init__(self) -> None:
        self.real = self.app.clock.real()

    def few(self, most: int) -> tuple[list[str], bool]:
        found = turns.deliveries_few(self.tx, self.real, most)
        return found, len(found) < most

    def everyone(self) -> list[str]:
        return turns.connections_waiting(self.tx)

    def room(self, key: str) -> int | None:
        return None

    def take(self, key: str | None, most: int) -> list[Raw]:
        lease = timedelta(seconds=self.app.settings.lease_seconds)
        return inbox.claim(self.tx, limit=most, lease=lease, now=self.real, connection=key)


@dataclass
class _Waking:
    """Wakeups that have come."""

    tx: Tx
    now: datetime

    def few(self, most: int) -> tuple[list[int], bool]:
        found = turns.wakeups_few(self.tx, self.now, most)
        return found, len(found) < most

    def everyone(self) -> list[int]:
        return turns.merchants_waking(self.tx, self.now)

    def room(self, key: int) -> int | None:
        return None

    def take(self, key: int | None, most: int) -> list[tuple[int, int]]:
        return runs.due(self.tx, self.now, most, key)
