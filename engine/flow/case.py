"""One subject inside a transaction: what is known of it, its runs, and what has been decided about them.

Decisions are collected in memory and written for many subjects at once (`step.commit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.event import Event
from engine.model.facts import State
from engine.model.journey import Journey
from engine.model.merchant import Merchant
from engine.model.run import Run
from engine.rules.fold import Heard
from engine.rules.guard_view import guard_view
from engine.rules.happen import renamed
from engine.rules.identify import current
from engine.rules.signals import Plan, View
from engine.store.facts import Held
from engine.store.ledger import Entry


@dataclass(kw_only=True)
class Course:
    """One run in the making: as it stands, and what it asks for."""

    run: Run
    journey: Journey
    changed: bool = False
    cancel: str | None = None  # cancel its open messages, for this reason
    plans: list[Plan] = field(default_factory=list)


@dataclass(kw_only=True)
class Case:
    """A subject being worked on."""

    held: Held
    merchant: Merchant
    courses: list[Course] = field(default_factory=list)
    heard: list[tuple[Heard, int | None, bool]] = field(default_factory=list)  # said, inbox row, backfill
    entries: list[Entry] = field(default_factory=list)
    joined: bool = False  # another subject turned out to be this one

    @property
    def state(self) -> State:
        """What is known; an erased subject knows nothing."""
        return self.held.state or State()

    @property
    def zone(self) -> ZoneInfo:
        """Where the customer lives: the merchant's zone."""
        return ZoneInfo(self.merchant.settings.timezone)

    def view(self, run: Run | None = None, event: Event | None = None) -> View:
        """What guards may ask: about the event given, or about the one that started the run."""
        names = self.state.names
        about = event or (self.state.events.get(run.event_key) if run else None)
        shipment = current(names, "parcel", run.shipment) if run and run.shipment else None
        return_ = current(names, "return", run.return_) if run and run.return_ else None
        asked = guard_view(self.state.facts, event=about and renamed(about, names), shipment=shipment, return_=return_)
        return View(names=asked, zone=self.zone)

    def note(
        self, at: datetime, decision: str, *, journey: str | None = None, step: str | None = None,
        reason: str | None = None, values: Mapping[str, Any] | None = None, message: int | None = None,
    ) -> None:  # fmt: skip
        """A line for the ledger."""
        self.entries.append(
            Entry(at=at, decision=decision, subject=self.held.id, journey=journey, step=step, reason=reason,
                  values=values or {}, message=message)
        )  # fmt: skip
