"""Which journeys an event starts, for what, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.model.event import Event
from engine.model.journey import Journey
from engine.model.spans import written
from engine.rules.consent import bears_on
from engine.rules.guard import ruling


class Match(Struct, frozen=True, kw_only=True):
    """A journey that names the event as its trigger. It starts when `reason` is None; otherwise `reason`
    says why it does not. `key` names the run inside the subject, None when the event cannot."""

    journey: Journey
    key: str | None
    reason: str | None = None
    values: Mapping[str, Any] = {}

    @property
    def starts(self) -> bool:
        return self.reason is None


def run_key(journey: Journey, event: Event) -> str | None:
    """Return what has at most one run: "order", "shipment/<key>", "return/<key>" or the event's own key."""
    match journey.once_per:
        case "order":
            return "order"
        case "shipment":
            return f"shipment/{event.shipment}" if event.shipment else None
        case "return":
            return f"return/{event.return_}" if event.return_ else None
        case "event":
            return event.key


def triggered(journeys: Iterable[Journey], event: Event, names: Mapping[str, Any], now: datetime) -> list[Match]:
    """Return a match for every journey that the event is a trigger of, in the order given.

    `names` is the view guards ask (`expression.VARIABLES`). Journeys that are switched off, and events of
    a backfill, are the caller's to leave out.
    """
    named = [journey for journey in journeys if event.type in journey.trigger.event and bears_on(journey, event)]
    return [_match(journey, event, names, now) for journey in named]


def _match(journey: Journey, event: Event, names: Mapping[str, Any], now: datetime) -> Match:
    key = run_key(journey, event)
    if key is None:
        return Match(journey=journey, key=None, reason=f"the event names no {journey.once_per}")
    if now - event.occurred_at > journey.max_age:
        values = {"event.occurred_at": event.occurred_at.isoformat(), "max_age": written(journey.max_age)}
        return Match(journey=journey, key=key, reason="too old when it was heard of", values=values)
    asked = ruling(journey.trigger.where, None, names)
    return Match(journey=journey, key=key, reason=asked.reason, values=asked.values)
