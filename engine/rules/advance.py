"""Decide: a run and a signal in, the run as it stands now and what must be done about it out.

The caller keeps the run, its `wake_at` and the effects in one transaction. It hands `Happened` to the runs
there are before it starts new ones with `match`, so the event that starts a run is never also heard by it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from engine.model.event import Event
from engine.model.journey import END, AnyStep, Journey, Send, Wait, WaitFor
from engine.model.run import Run, concerns
from engine.rules.consent import bears_on
from engine.rules.guard import Ruling, ruling, settled
from engine.rules.signals import (
    Cancel,
    Effect,
    Happened,
    Note,
    Plan,
    Resolved,
    Signal,
    Started,
    Step,
    View,
    Woke,
)  # fmt: skip
from engine.rules.timing import due

# Statuses after which the customer has, or may have, read the message.
LEFT: frozenset[str] = frozenset({"sent", "delivered", "unknown"})


def begin(journey: Journey, key: str, event: Event) -> Run:
    """Return a new run for the event that starts it; hand it to `advance` with Started."""
    return Run(
        journey=journey.name, digest=journey.digest, key=key, event_type=event.type, event_key=event.key,
        anchor=event.occurred_at, shipment=event.shipment if journey.once_per != "order" else None,
        return_=event.return_ if journey.once_per != "order" else None,
    )  # fmt: skip


def advance(journey: Journey, run: Run, signal: Signal, now: datetime, view: View) -> Step:
    """Return the run as it stands at `now`. A signal that does not concern the run changes nothing."""
    if isinstance(signal, Resolved) and signal.status in LEFT:
        run = replace(run, sent=run.sent + 1)
    if run.state == "ended":
        return Step(run)
    match signal:
        case Started() if run.awaiting is None:
            first = Note(None, "started", run.event_type, {"anchor": run.anchor.isoformat()})
            return _go(journey, run, 0, run.anchor, now, view, first)
        case Woke() if run.wake_at is not None and now >= run.wake_at:
            silent = [_note(journey, run, "silent", f"no {run.awaited}")] if run.awaiting == "event" else []
            return _go(journey, run, run.position + 1, run.wake_at, now, view, *silent)
        case Happened(event) if concerns(run, event) and bears_on(journey, event):
            return _happened(journey, run, event, now, view)
        case Resolved(step_id=step_id, at=at) if _awaits(journey, run, step_id):
            return _go(journey, run, run.position + 1, at, now, view)
    return Step(run)


def restart(journey: Journey, run: Run, event: Event, now: datetime, view: View) -> Step | None:
    """A trigger event came again for a run that exists. While nothing has left, the run begins anew at a
    newer anchor, even if it had ended; otherwise None: leave it alone. `journey` becomes the run's own."""
    if run.sent or event.occurred_at <= run.anchor:
        return None
    fresh = replace(begin(journey, run.key, event), id=run.id)
    why = f"a newer {event.type}"
    told: list[Effect] = [Note(None, "restarted", why, {"anchor": event.occurred_at.isoformat()})]
    if run.awaiting == "message":
        told.insert(0, Cancel(reason=f"restarted: {why}"))
    return _go(journey, fresh, 0, fresh.anchor, now, view, *told)


def _happened(journey: Journey, run: Run, event: Event, now: datetime, view: View) -> Step:
    if event.type in journey.exit_on:
        reason = f"exit: {event.type}"
        return Step(_ended(run, reason), (Cancel(reason=reason), Note(None, "ended", reason)))
    in_time = run.wake_at is not None and event.occurred_at < run.wake_at
    if run.awaiting != "event" or run.awaited != event.type or not in_time:
        return Step(run)
    step = journey.steps[run.position]
    then = step.then if isinstance(step, WaitFor) else END
    place = None if then == END else journey.position(then)
    came = _note(journey, run, "came", event.type)
    return _go(journey, run, len(journey.steps) if place is None else place, now, now, view, came)


def _note(journey: Journey, run: Run, decision: str, reason: str) -> Note:
    return Note(journey.steps[run.position].id, decision, reason)


def _go(journey: Journey, run: Run, place: int, since: datetime, now: datetime, view: View, *told: Effect) -> Step:
    """Walk from `place` to the next thing to wait for. A wait counts from `since`."""
    effects = list(told)
    planned_for = now
    for index in range(place, len(journey.steps)):
        step = journey.steps[index]
        asked = _asked(step, view)
        if not asked.allowed:
            effects.append(Note(step.id, "skipped", asked.reason, asked.values))
            continue
        here = replace(run, position=index, awaiting=None, awaited=None, wake_at=None)
        match step:
            case Wait():
                since = planned_for = _end_of(step, since, view)
                if not _sends_next(journey, index + 1, view):
                    planned_for = now
                    if since > now:
                        note = Note(step.id, "waiting", f"until {since.isoformat()}", asked.values)
                        return Step(replace(here, awaiting="time", wake_at=since), (*effects, note))
            case Send():
                plan = Plan(step_id=step.id, due_at=planned_for, expires_at=planned_for + step.expires)
                return Step(replace(here, awaiting="message"), (*effects, plan))
            case WaitFor(wait_for=awaited):
                wake_at = now + step.at_most
                note = Note(step.id, "waiting", f"for {awaited} until {wake_at.isoformat()}", asked.values)
                return Step(replace(here, awaiting="event", awaited=awaited, wake_at=wake_at), (*effects, note))
    return Step(_ended(run, "done"), (*effects, Note(None, "ended", "done")))


def _asked(step: AnyStep, view: View) -> Ruling:
    """A send is asked when it is about to leave; here only what can never change is decided for it."""
    ask = settled if isinstance(step, Send) else ruling
    return ask(step.where, step.unless, view.names)


def _sends_next(journey: Journey, place: int, view: View) -> bool:
    """Is the next step that counts a send? Then the waiting before it is the message's own."""
    for step in journey.steps[place:]:
        if not isinstance(step, Send):
            return False
        if _asked(step, view).allowed:
            return True
    return False


def _end_of(step: Wait, since: datetime, view: View) -> datetime:
    return due(
        since, wait=step.wait, business_days=step.business_days, until=step.until,
        zone=view.zone, calendar=view.calendar,
    )  # fmt: skip


def _ended(run: Run, reason: str) -> Run:
    return replace(run, state="ended", reason=reason, awaiting=None, awaited=None, wake_at=None)


def _awaits(journey: Journey, run: Run, step_id: str) -> bool:
    return run.awaiting == "message" and journey.steps[run.position].id == step_id
