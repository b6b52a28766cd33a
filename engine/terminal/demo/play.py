"""Plays a story: posts what is due, lets the engine finish, moves its clock on. Business time never runs ahead of
the work, so a slow machine tells the same story in more time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

from engine.flow.wake import wake
from engine.store import inbox, messages, runs
from engine.terminal.demo.story import Story

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.io.clock import SteppedClock
    from engine.terminal.demo.carrier import Carrier

HOUR = timedelta(hours=1)
LONGEST_STEP = timedelta(hours=6)  # when behind the pace; longer ones would pile up what should come one by one
LOOK = 0.004  # seconds between two looks whether the engine is idle
PATIENCE = 20.0  # seconds of work after one step until the story goes on regardless


@dataclass(kw_only=True)
class Stage:
    """What the player works with, and what it has seen. `stop` ends the play early."""

    app: App
    clock: SteppedClock
    carrier: Carrier
    stop: Event
    answers: Counter[tuple[str, int, bool]] = field(default_factory=Counter)  # source, status, as expected


def play(stage: Stage, story: Story, seconds: float, shown: Callable[[datetime], None]) -> bool:
    """Play the story in about so many seconds of real time; calls `shown` with business time after every step.

    True when it came to its end, False when it was stopped. Then business time is that of the last step.
    """
    app, clock = stage.app, stage.clock
    began, pace = app.clock.monotonic(), seconds / (story.end - story.start).total_seconds()
    waiting = list(reversed(story.posts))
    while clock.now() < story.end and not stage.stop.is_set():
        goal = _next_hour(app, waiting[-1].at if waiting else story.end, story)
        lag = app.clock.monotonic() - began - (goal - story.start).total_seconds() * pace
        if lag > 0:
            catch_up = min(timedelta(seconds=lag / pace), LONGEST_STEP)
            goal = min(goal + _whole_hours(catch_up), story.end)
        elif stage.stop.wait(-lag):
            return False
        clock.advance(goal - clock.now())
        due = []
        while waiting and waiting[-1].at <= goal:
            due.append(waiting.pop())
        for post, status in stage.carrier.carry(due, app.clock.real()):
            stage.answers[post.source, status, status in post.expected] += 1
        _finish(stage)
        shown(clock.now())
    return not stage.stop.is_set()


def _next_hour(app: App, posted: datetime, story: Story) -> datetime:
    """The end of the hour in which something is due next: a post, a wakeup, a message."""
    with app.store.read() as tx:
        planned: list[datetime | None] = [messages.next_due(tx), runs.next_wakeup(tx)]
    now = app.clock.now()
    due = max(min([posted, *(at for at in planned if at)]), now + timedelta.resolution)
    hours = -((story.start - due) // HOUR)
    return min(story.start + hours * HOUR, story.end)


def _whole_hours(span: timedelta) -> timedelta:
    return span // HOUR * HOUR


def _finish(stage: Stage) -> None:
    """Wait until nothing is left to do at this moment of business time."""
    app = stage.app
    until = app.clock.monotonic() + PATIENCE
    while wake(app):
        continue
    app.hints.deliver()
    while not idle(app) and app.clock.monotonic() < until:
        if stage.stop.wait(LOOK):
            return


def idle(app: App) -> bool:
    """Nothing waits in the inbox, no message is due or on its way, no run wants to be woken by now."""
    now = app.clock.now()
    with app.store.read() as tx:
        return not (inbox.waiting(tx) or messages.busy(tx, now) or runs.due(tx, now, 1))
