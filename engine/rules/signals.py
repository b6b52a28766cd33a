"""What a run can be told, what it can see, and what it can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.event import Event
from engine.model.message import MessageStatus
from engine.model.run import Run
from engine.rules.calendar import JAPAN, Calendar


@dataclass(frozen=True, kw_only=True)
class View:
    """What a run can see: the names that guards ask (`expression.VARIABLES`, with `event` the one that
    started the run), the zone where the customer lives, the merchant's calendar."""

    names: Mapping[str, Any]
    zone: ZoneInfo
    calendar: Calendar = JAPAN


@dataclass(frozen=True)
class Started:
    """The run is new."""


@dataclass(frozen=True)
class Woke:
    """Its `wake_at` has come. Early, late and repeated wake-ups do no harm."""


@dataclass(frozen=True)
class Happened:
    """Something happened to the run's subject, or to a message that this run sent."""

    event: Event


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The message of that step is settled: sent, suppressed, cancelled, expired, dead or unknown. Told once
    for each message, also to a run that has ended meanwhile."""

    step_id: str
    status: MessageStatus
    at: datetime


Signal = Started | Woke | Happened | Resolved


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A message to plan; at most one row per (run, step). Where a row exists already, one that never left
    is moved to the new times and planned again; one that is leaving or has left stays as it is and answers
    with Resolved as soon as it is settled, at once if it is."""

    step_id: str
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Cancel every message of the run that has not left."""

    reason: str


@dataclass(frozen=True)
class Note:
    """A line for the ledger. `decision`: started, restarted, waiting, skipped, came, silent or ended."""

    step: str | None
    decision: str
    reason: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


Effect = Plan | Cancel | Note


@dataclass(frozen=True)
class Step:
    """The run as it stands after the signal, and what must be done."""

    run: Run
    effects: tuple[Effect, ...] = ()
