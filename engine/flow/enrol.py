"""Events start journeys, move runs that wait for them, and end runs that they contradict."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec.structs import replace

from engine.flow.app import App
from engine.flow.case import Case, Course
from engine.flow.step import signal, take
from engine.model.event import Event
from engine.model.journey import Journey
from engine.rules.advance import begin, restart
from engine.rules.match import Match, triggered
from engine.rules.signals import Happened, Started
from engine.rules.silence import Silence, only_to_customers, silence
from engine.store import runs
from engine.store.session import Tx


def enabled(app: App, tx: Tx) -> list[Journey]:
    """The journeys that are on for the merchant of this transaction."""
    chosen = runs.switches(tx)
    return [one for one in app.journeys.values() if chosen.get(one.name, one.enabled)]


def enrol(
    case: Case, events: Sequence[Event], journeys: Collection[Journey], now: datetime, *, muted: str | None = None
) -> None:
    """Let new events act on the case. Muted events (a backfill) end runs, but start none.

    Events are heard by the runs there are before they start new ones, so that the event which starts a
    run is never also heard by it.
    """
    for event in events:
        for course in case.courses:
            signal(case, course, Happened(event), now)
        if muted:
            continue
        matches = triggered(journeys, event, case.view(event=event).names, now)
        quiet = _silence(case, event) if matches else None
        for match in matches:
            hushed = quiet if match.starts and only_to_customers(match.journey) else None
            told = replace(match, reason=hushed.reason, values=hushed.values) if hushed else match
            _start(case, told, event, now)


def _silence(case: Case, event: Event) -> Silence | None:
    facts = case.state.facts
    orderer = facts.order.orderer
    return silence(facts, shipment=event.shipment, return_=event.return_, email=orderer.email if orderer else None)


def _start(case: Case, match: Match, event: Event, now: datetime) -> None:
    journey = match.journey
    if match.key is None or not match.starts:
        case.note(
            now, "not started", journey=journey.name, reason=match.reason, values={**match.values, "event": event.key}
        )
        return
    running = next((c for c in case.courses if c.run.journey == journey.name and c.run.key == match.key), None)
    if running is None:
        course = Course(run=begin(journey, match.key, event), journey=journey)
        case.courses.append(course)
        signal(case, course, Started(), now)
        return
    again = restart(journey, running.run, event, now, case.view(event=event))
    if again is not None:
        running.journey = journey
        take(case, running, again, now)
