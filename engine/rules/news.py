"""What is news, and what only looks like it: an old order that is touched today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from engine.contracts import OrderSeen
from engine.model.event import Event
from engine.model.facts import State
from engine.rules.fold import Heard

LONG = timedelta(days=14)
REASON = "history: the order is old, and only its update has a date"


def history(before: State, after: State, heard: Iterable[Heard], events: Sequence[Event]) -> frozenset[str]:
    """Keys of events that start nothing, since nobody knows when they happened.

    Many systems date a cancellation or a refund by the order's last change. A bulk edit, an import or a recovery
    changes years of orders today: what the first snapshot of an order says, placed long before and dated by nothing
    but its own time, is history. Once an order is known, its changes are seen happening.
    """
    placed_at = after.facts.order.placed_at
    if before.facts.as_of is not None or placed_at is None:
        return frozenset()
    touched = {one.seen.as_of for one in heard if isinstance(one.seen, OrderSeen)}
    return frozenset(
        event.key for event in events
        if event.type.startswith("order.") and event.occurred_at in touched and event.occurred_at - placed_at > LONG
    )  # fmt: skip
