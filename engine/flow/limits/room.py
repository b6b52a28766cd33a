"""How many messages of a merchant may be claimed now: a look without locks, so that what its accounts would not
take stays planned and is not even leased. The point of no return asks again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from engine.flow.app import App
from engine.flow.limits import batch_size
from engine.rules import admission
from engine.rules.rate import Rate, rate_of
from engine.store.accounts import Way, ways
from engine.store.merchants import Connection
from engine.store.session import Tx

W = TypeVar("W", Way, Connection)

# Seconds, on the monotonic clock, for which nothing is asked of a merchant without limits. What another process learns
# is found so much later here; the point of no return does not rely on it.
GOOD_FOR = 1.0


def room(app: App, tx: Tx, merchant: int, lane: int = 0) -> int | None:
    """How many messages of this merchant in this lane its accounts take now: 0 while all of them are held or spent, 1
    when somebody should try whether one works again, None when no limit is known. `tx` is bound to the merchant."""
    known = app.unlimited
    if known.get(merchant, 0.0) > app.clock.monotonic():
        return None
    real = app.clock.real()
    found = ways(tx)
    used = [*chosen(app, found).values(), *(one for some in backups(app, found).values() for one in some)]
    rooms = [admission.room(way.known, rate(app, way), real, _carried(app, way) if lane else 1) for way in used]
    if rooms and None not in rooms:
        return sum(one for one in rooms if one is not None)
    known[merchant] = app.clock.monotonic() + GOOD_FOR
    return None


def _carried(app: App, way: Way) -> int:
    return batch_size.size(app, way) if batch_size.by_request(app, way) else 1


def ask_again(app: App) -> None:
    """Something was learned of an account: what is remembered here no longer counts."""
    app.unlimited = {}  # a new one: a look under way must not write what it has seen before into it


def rate(app: App, way: Way | Connection) -> Rate | None:
    """The rate in force for a channel's connection."""
    return rate_of(way.config, app.channels(way.connector).capabilities.per_second)


def chosen(app: App, found: Sequence[W]) -> dict[str, W]:
    """Medium -> the connection that carries it: the merchant's newest, else the operator's, else the mailbox
    that every merchant has. `found` stands in the order in which they were made."""
    ordered = sorted(found, key=lambda way: (way.connector != "mailbox", way.merchant is not None))
    return {app.channels(way.connector).medium: way for way in ordered if not _stands_in(way)}


def backups(app: App, found: Sequence[W]) -> dict[str, tuple[W, ...]]:
    """Medium -> the connections that stand in for the one that carries it while its account is held, the newest first;
    the merchant's own before the operator's."""
    spare = [way for way in reversed(found) if _stands_in(way)]
    media = {app.channels(way.connector).medium for way in spare}
    ordered = sorted(spare, key=lambda way: way.merchant is None)
    return {name: tuple(way for way in ordered if app.channels(way.connector).medium == name) for name in media}


def _stands_in(way: Way | Connection) -> bool:
    return way.config.get("stands_in") == "yes"
