"""Looks at every commit and at every request as it leaves: promises that hold at each moment."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.config import Settings
from tests.flow.test_pipeline_properties import ASSERTS, OVERTAKEN
from tests.simulator.database import Database
from tests.simulator.stories import Told
from tests.simulator.world import WorkerClock, World

ARM = Settings.model_fields["arm_seconds"].default
SAYS = ASSERTS | {"first": "order.confirmed"}
LEFT, OPEN = {"sent", "delivered"}, {"planned", "leased", "sending", "unknown"}
SLACK = 0.5  # seconds that pass between the last look at the clock and the first byte


@dataclass(kw_only=True)
class Watch:
    """What is known from the record of commits, independently of the code that made them."""

    world: World
    database: Database
    clocks: dict[str, WorkerClock]
    armed_at: dict[int, float] = field(default_factory=dict)  # message -> when it was last armed
    numbers: dict[str, int] = field(default_factory=dict)  # public id -> message
    events: dict[int, list[sqlite3.Row]] = field(default_factory=dict)  # subject -> what has happened
    pauses: list[tuple[int | None, str | None]] = field(default_factory=list)
    listed: list[Told] = field(default_factory=list)  # what stands in the system that is asked
    to_tell: Counter[str] = field(default_factory=Counter)  # events for the endpoint, by type
    suppressed: dict[str, set[str]] = field(default_factory=dict)
    messages: dict[int, sqlite3.Row] = field(default_factory=dict)
    on_claim: list[Callable[[Any], None]] = field(default_factory=list)  # told of a message that is leased
    fruit: int = 0  # changes seen

    def committed(self, news: list[sqlite3.Row]) -> None:
        """A transaction was committed; `news` is what it changed."""
        self.fruit += len(news)
        for row in news:
            match row["what"]:
                case "event":
                    self.events.setdefault(row["a"], []).append(row)
                    self.world.note(f"  subject {row['a']}: {row['e']}")
                case "paused":
                    self.pauses.append((row["a"], row["b"]))
                case "resumed":
                    self.pauses.remove((row["a"], row["b"]))
                case "suppressed":
                    self.suppressed.setdefault(row["a"], set()).add(row["b"])
                case "planned":
                    self.messages[row["a"]] = self._load(row["a"])
                    message = self.messages[row["a"]]
                    about = f"{message['journey']}/{message['step']}/{message['run_key']}"
                    self.world.note(f"  message {row['a']} planned: {about} due {row['c'][:19]}")
                case "message":
                    self.world.note(f"  message {row['a']}: {row['b']} -> {row['c']}, fence {row['e']}")
                    self._moved(row)
                case "outcome":
                    self.world.note(f"  message {row['a']}: attempt {row['b']} {row['c']}")
                case "to_tell":
                    self.to_tell[row["b"]] += 1
                case "cursor":
                    self.world.note(f"  asked up to record {row['b']}")
                    self._cursor(int(row["a"] or 0), int(row["b"]))
                case "found":
                    self._found(row["a"])
                case "inbox":
                    self.world.note(f"  delivery {row['a']}: {row['b']} {row['c'] or ''}")

    def _load(self, number: int) -> Any:
        row = self.database.rows("SELECT * FROM message WHERE id = ?", number)[0]
        self.numbers[row["public_id"]] = number
        return row

    def _moved(self, row: sqlite3.Row) -> None:
        number, was, now, due = row["a"], row["b"], row["c"], row["d"]
        if was == "planned" and now == "leased":
            self._not_early(number, due)
            for told in self.on_claim:
                told(self.messages[number])
        if was in LEFT and now in OPEN:
            self.world.blame("P5", f"message {number} was {was} and is {now} again")
        if now == "sending" and was != "sending":
            if was != "leased":
                self.world.blame("P4", f"message {number} was armed from {was}")
            self.armed_at[number] = self.world.t
            self._armed(self._load(number))

    def _cursor(self, was: int, now: int) -> None:
        """P14: what the cursor has left behind is stored, by the same commit or before."""
        kept = {row[0] for row in self.database.rows("SELECT dedupe_key FROM inbox")}
        lost = [n for n, told in enumerate(self.listed[:now]) if told.key not in kept]
        if lost or now < was:
            self.world.blame("P14", f"the cursor went from {was} to {now}; not stored: {lost}")

    def _found(self, key: str) -> None:
        """P14: what was asked for and stored lies behind the cursor."""
        cursor = int(self.database.one("SELECT cursor FROM errand") or 0)
        if key not in {told.key for told in self.listed[:cursor]}:
            self.world.blame("P14", f"{key} is stored, and the cursor is only at {cursor}")

    def _not_early(self, number: int, due: str) -> None:
        actor = self.world.stage.current
        clock = self.clocks[actor.name] if actor else None
        if clock and datetime.fromisoformat(f"{due}+00:00") > clock.shows():
            self.world.blame("P11", f"message {number} was taken before it was due at {due}")

    def _armed(self, message: Any) -> None:
        """T4 was committed: the gate must hold against everything committed before."""
        number = message["id"]
        asserted = SAYS.get(message["step"]) or SAYS.get(message["journey"], "")
        for event in self.events.get(message["subject_id"], ()):
            _, kind, parcel, back = event["a"], event["b"], event["c"], event["d"]
            same_parcel = not message["shipment"] or not parcel or parcel == message["shipment"]
            same_return = not message["return_key"] or not back or back == message["return_key"]
            if (
                kind in OVERTAKEN.get(asserted, ())
                and same_parcel
                and same_return
                and event["e"] != message["event_key"]
            ):
                self.world.blame("P6", f"message {number} says {asserted}, but {event['e']} was known")
        for merchant, journey in self.pauses:
            if merchant in {None, message["merchant_id"]} and journey in {None, message["journey"]}:
                self.world.blame("P12", f"message {number} was armed under a pause")
        index = self.database.one("SELECT email_index FROM subject WHERE id = ?", message["subject_id"])
        scopes = self.suppressed.get(index or "", set())
        if scopes & {"all", message["purpose"]}:
            self.world.blame("P9", f"message {number} was armed for an address suppressed for {sorted(scopes)}")
        if message["purpose"] == "promotional" and not self._agreed(index):
            self.world.blame("P9", f"message {number} was armed without consent")
        actor = self.world.stage.current
        clock = self.clocks[actor.name] if actor else None
        expires = datetime.fromisoformat(f"{message['expires_at']}+00:00")
        if clock and clock.shows() - timedelta(seconds=120) >= expires:  # it may stand still inside T4
            self.world.blame("P8", f"message {number} was armed after it expired")

    def _agreed(self, index: str | None) -> bool:
        granted = self.database.one(
            "SELECT granted FROM consent WHERE person_index = ? AND purpose = 'promotional' ORDER BY at DESC, id DESC",
            index,
        )
        return bool(granted)

    def started(self, name: str) -> None:
        """A request is about to leave."""
        number = self.numbers.get(name)
        armed = self.armed_at.get(number or 0)
        if number is None or armed is None:
            self.world.blame("P4", f"{name} left without an armed row")
            return
        self.world.note(f"  message {number} leaves")
        if self.world.t - armed > ARM + SLACK:
            late = self.world.t - armed
            self.world.blame("P6", f"message {number} left {late:.1f} s after it was armed")
