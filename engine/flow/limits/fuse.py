"""The volume fuse: T4 counts what it arms; a journey that sends more than anybody meant is paused, and an operator
decides. Nothing over the limit leaves: the transaction that would have armed it is given up and done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from engine.flow.app import App
from engine.flow.letter import Letter
from engine.rules.fuse import FLOOR, NAME, hour_of, limit, reason
from engine.store import pauses, people, volumes
from engine.store.session import Tx
from engine.store.volumes import Usual


class Blown(Exception):
    """More of a journey than its limit would be armed. Nothing was written; pause it and do the rest."""

    def __init__(self, journey: str, armed: int, more: int, most: int, usual: int) -> None:
        super().__init__(f"{journey}: {armed} armed and {more} more, limit {most}")
        self.journey, self.armed, self.more, self.most, self.usual = journey, armed, more, most, usual


def count(app: App, tx: Tx, letters: Sequence[Letter], now: datetime) -> None:
    """Count messages that are being armed, as the last thing in their transaction. Raises Blown."""
    hour = hour_of(now)
    for journey, more in sorted(Counter(letter.row.journey for letter in letters).items()):
        armed, agreed = volumes.count(tx, journey, hour, more)
        cap = letters[0].merchant.settings.fuse_per_hour
        if armed <= agreed + min(cap or FLOOR, FLOOR):
            continue
        usual = _usual_of(app, tx, journey, hour)
        most = agreed + limit(cap, usual.busiest, usual.since, hour)
        if armed > most:
            raise Blown(journey, armed - more, more, most, usual.busiest)


def give_back(tx: Tx, counted: Iterable[tuple[str, datetime]]) -> None:
    """What was armed and has surely not left, as (journey, hour it was counted in), is counted no more: the last
    thing in its transaction, too."""
    for (journey, hour), many in sorted(Counter(counted).items()):
        volumes.count(tx, journey, hour, -many)


def pause(tx: Tx, blown: Blown, now: datetime) -> None:
    """Pause the merchant's journey, once."""
    tx.alone({f"fuse/{blown.journey}"})
    standing = people.pauses(tx)
    if any(journey == blown.journey and why.startswith(NAME) for journey, why in standing):
        return
    # The batch that blew it is claimed, and so may others be: they will find the pause.
    waiting = pauses.would_leave(tx, now, merchant=tx.merchant, journey=blown.journey, taken_up=True)
    why = reason(blown.armed, blown.more, blown.most, blown.usual, waiting)
    people.pause(tx, merchant=tx.merchant, journey=blown.journey, reason=why, now=now)


def _usual_of(app: App, tx: Tx, journey: str, hour: datetime) -> Usual:
    """What is usual does not change while the hour lasts."""
    at, usual = app.usual.get((tx.merchant, journey), (None, Usual()))
    if at != hour:
        usual = volumes.usual(tx, journey, hour)
        app.usual[(tx.merchant, journey)] = (hour, usual)
    return usual
