"""How many messages one request may carry, connection by connection: few at first, more while all goes well, one after
a doubt.

What goes wrong with a request leaves everything that it carries in doubt. Without a key nobody can ask again, so such a
batch does not grow unless the connection says so: most of what it saves is saved by twenty. It is remembered by the
process that has seen it and by nobody else: nothing depends on it but how much is put at risk at once, and whoever
starts anew begins with few again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from engine.contracts import Accepted, Ambiguous, Outcome
from engine.flow.app import App
from engine.store.accounts import Way
from engine.store.merchants import Connection

# Messages that one thread has under way where nobody could say afterwards what has left: they must start within
# `arm_seconds`, and if the process dies, as many of them as were armed are unknown.
AT_ONCE = 20


def size(app: App, way: Way | Connection) -> int:
    """How many messages a request to the connection carries now; 1 where each goes alone."""
    return min(app.batches.get(way.id, AT_ONCE), _most(app, way))


def went(app: App, way: Connection, outcomes: Sequence[Outcome | None]) -> None:
    """What came of those that one request carried; None for each that was refused because of another, or nobody knows
    of whom."""
    if app.channels(way.connector).batch is None:
        return
    now = app.batches.get(way.id, AT_ONCE)
    if not any(outcomes) or any(isinstance(one, Ambiguous) for one in outcomes):
        app.batches[way.id] = 1
    elif len(outcomes) >= now and any(isinstance(one, Accepted) for one in outcomes):
        app.batches[way.id] = min(2 * now, _most(app, way))


def by_request(app: App, way: Way | Connection) -> bool:
    """Does the provider count requests, where it limits how many come in a second?"""
    batch = app.channels(way.connector).batch
    return batch is not None and batch.by_request


def _most(app: App, way: Way | Connection) -> int:
    channel = app.channels(way.connector)
    if channel.batch is None:
        return 1
    usual = channel.batch.most if channel.capabilities.idempotency > timedelta(0) else AT_ONCE
    return min(int(way.config.get("batch") or usual), channel.batch.most)
