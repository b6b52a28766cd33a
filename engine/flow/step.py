"""Advance runs by `rules.advance` and write what they ask for, for many subjects in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from engine.flow.case import Case, Course
from engine.model.journey import Journey, Send
from engine.model.run import Run
from engine.rules.advance import advance
from engine.rules.signals import Cancel, Note, Plan, Resolved, Signal, Step
from engine.store import ledger, messages, runs
from engine.store.messages import Planned
from engine.store.session import Tx


def load_courses(tx: Tx, cases: Sequence[Case], current: Callable[[str], Journey | None]) -> None:
    """Give every case all of its runs. A run whose journey has not changed since uses the one at hand."""
    add_courses(tx, cases, runs.of(tx, [case.held.id for case in cases]), current)


def add_courses(
    tx: Tx, cases: Sequence[Case], found: Mapping[int, Sequence[Run]], current: Callable[[str], Journey | None]
) -> None:
    """Give the cases these of their runs (subject -> runs)."""
    pinned: dict[str, Journey] = {}
    for case in cases:
        for run in found.get(case.held.id, ()):
            journey = current(run.journey)
            if journey is None or journey.digest != run.digest:
                if run.digest not in pinned:
                    pinned[run.digest] = runs.pinned(tx, run.digest)
                journey = pinned[run.digest]
            case.courses.append(Course(run=run, journey=journey))


def signal(case: Case, course: Course, given: Signal, now: datetime) -> None:
    """Tell a run something; what it asks for is collected on its course."""
    take(case, course, advance(course.journey, course.run, given, now, case.view(course.run)), now)


def take(case: Case, course: Course, step: Step, now: datetime) -> None:
    """Note the outcome of a decision."""
    course.changed = course.changed or step.run != course.run
    course.run = step.run
    for effect in step.effects:
        match effect:
            case Plan():
                course.plans.append(effect)
            case Cancel(reason=reason):
                course.cancel = reason
            case Note():
                case.note(
                    now, effect.decision, journey=course.journey.name, step=effect.step, reason=effect.reason,
                    values=effect.values,
                )  # fmt: skip


def commit(tx: Tx, cases: Sequence[Case], now: datetime) -> bool:
    """Write runs, messages and ledger. True when messages were planned that are due."""
    courses = [(case, course) for case in cases for course in case.courses]
    _save(tx, courses, now)
    due = False
    while planning := [(case, course) for case, course in courses if course.plans or course.cancel]:
        due = _messages(tx, planning, now) or due
        # A message that had left before answers at once, which may lead its run to the next one.
        _save(tx, [(case, course) for case, course in planning if course.changed], now)
    ledger.note(tx, [entry for case in cases for entry in case.entries])
    return due


def _save(tx: Tx, courses: Sequence[tuple[Case, Course]], now: datetime) -> None:
    fresh = [(case, course) for case, course in courses if course.run.id is None]
    runs.pin(tx, [course.journey for _, course in fresh])
    started = runs.start(tx, [(case.held.id, course.run) for case, course in fresh], now)
    for (_, course), run in zip(fresh, started, strict=True):
        course.run, course.changed = run, False
    old = [course for _, course in courses if course.changed]
    runs.save(tx, [course.run for course in old], now)
    for course in old:
        course.changed = False


def _messages(tx: Tx, planning: Iterable[tuple[Case, Course]], now: datetime) -> bool:
    wanted: list[Planned] = []
    asked: list[tuple[Case, Course, Plan]] = []
    for case, course in planning:
        if course.cancel and course.run.id is not None:
            for gone in messages.cancel_of_run(tx, case.held.id, course.run.id, course.cancel):
                case.note(now, gone.status, journey=gone.journey, step=gone.step, reason=gone.reason, message=gone.id)
        for plan in course.plans:
            wanted.append(_planned(case, course, plan))
            asked.append((case, course, plan))
        course.cancel, course.plans = None, []
    standing = messages.plan(tx, wanted, now)
    for (case, course, plan), one in zip(asked, wanted, strict=True):
        number, status = standing[(one.run, plan.step_id)]
        if status == "planned":
            values = {"due_at": plan.due_at, "expires_at": plan.expires_at}
            case.note(now, "planned", journey=one.journey, step=one.step, values=values, message=number)
        elif status not in {"leased", "sending"}:
            signal(case, course, Resolved(step_id=plan.step_id, status=status, at=now), now)
    return any(one.due_at <= now for one in wanted)


def _planned(case: Case, course: Course, plan: Plan) -> Planned:
    run, journey = course.run, course.journey
    step = next(step for step in journey.steps if step.id == plan.step_id)
    if not isinstance(step, Send) or run.id is None:
        raise TypeError(f"journey {journey.name}: step {plan.step_id} plans a message but sends none")
    return Planned(
        subject=case.held.id, run=run.id, journey=journey.name, digest=journey.digest, step=step.id,
        run_key=run.key, recipient=step.to, shipment=run.shipment, return_=run.return_, event_key=run.event_key,
        anchor=run.anchor, template=step.send, purpose=journey.purpose, due_at=plan.due_at,
        expires_at=plan.expires_at,
    )  # fmt: skip
