"""What a run can be told, what it can see, and what it can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.model.event import Event
from engine.model.message import MessageStatus
from engine.model.run import Run
from engine.rules.calendar import JAPAN, Calendar


class View(Struct, frozen=True, kw_only=True):
    """What a run can see: the names that guards ask (`expression.VARIABLES`, with `event` the one that
    started the run), the zone where the customer lives, the merchant's calendar."""

    names: Mapping[str, Any]
    zone: ZoneInfo
    calendar: Calendar = JAPAN


class Started(Struct, frozen=True):
    """The run is new."""


class Woke(Struct, frozen=True):
    """Its `wake_at` has come. Early, late and repeated wake-ups do no harm."""


class Happened(Struct, frozen=True):
    """Something happened to the run's subject, or to a message that this run sent."""

    event: Event


class Resolved(Struct, frozen=True, kw_only=True):
    """The message of that step is settled: sent, suppressed, cancelled, expired, dead or unknown. Told once
    for each message, also to a run that has ended meanwhile."""

    step_id: str
    status: MessageStatus
    at: datetime


Signal = Started | Woke | Happened | Resolved


class Plan(Struct, frozen=True, kw_only=True):
    """A message to plan; at most one row per (run, step). Where a row exists already, one that never left
    is moved to the new times and planned again; one that is leaving or has left stays as it is and answers
    with Resolved as soon as it is settled, at once if it is."""

    step_id: str
    due_at: datetime
    expires_at: datetime


class Cancel(Struct, frozen=True, kw_only=True):
    """Cancel every message of the run that has not left."""

    reason: str


class Note(Struct, frozen=True):
    """A line for the ledger. `decision`: started, restarted, waiting, skipped, came, silent or ended."""

    step: str | None
    decision: str
    reason: str | None = None
    values: Mapping[str, Any] = {}


Effect = Plan | Cancel | Note


class Step(Struct, frozen=True):
    """The run as it stands after the signal, and what must be done."""

    run: Run
    effects: tuple[Effect, ...] = ()
