"""A small world with a virtual clock: events are heard, runs advance, messages leave when the gate lets them.

It keeps what the store keeps, in dictionaries, and calls the real rules. A story can be read from a file
of journeys/scenarios/ (see docs/journeys.md) or be built in a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from engine.model.customer import Party
from engine.model.event import Event
from engine.model.facts import Facts
from engine.model.journey import Journey, Send
from engine.model.order import Line, Order
from engine.model.returns import Return
from engine.model.run import Run
from engine.model.shipment import FINAL, RANK, Packed, Scan, Shipment
from engine.rules.advance import advance, begin, restart
from engine.rules.guard_view import guard_view
from engine.rules.happen import SCAN_EVENTS, outweighs
from engine.rules.match import triggered
from engine.rules.policy import Allow, Asked, Defer, Refuse, Standing, may_reach, still_true
from engine.rules.signals import Cancel, Happened, Note, Plan, Resolved, Signal, Started, Step, View, Woke

TOKYO = ZoneInfo("Asia/Tokyo")
DAY_ZERO = date(2026, 11, 16)  # a Monday
STATUS_OF = {kind: status for status, kind in SCAN_EVENTS.items()}
STAGES = ("requested", "approved", "received", "refunded", "declined")
MOMENT = re.compile(r"day (\d+) (\d\d:\d\d)")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event and when we hear of it; `also` are facts that come with it: holds, of, goods."""

    event: Event
    heard: datetime
    also: dict[str, str] = field(default_factory=dict)


@dataclass
class Message:
    run: tuple[str, str]
    step: Send
    due: datetime
    expires: datetime
    status: str = "planned"
    reason: str | None = None
    times_planned: int = 1


@dataclass
class World:
    journeys: list[Journey]
    zone: ZoneInfo = TOKYO
    facts: Facts = field(default_factory=lambda: an_order())
    down: tuple[datetime, datetime] | None = None  # nothing can be sent between these moments
    runs: dict[tuple[str, str], Run] = field(default_factory=dict)
    messages: dict[tuple[str, str, str], Message] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)
    sent: list[tuple[datetime, str, str]] = field(default_factory=list)  # when, template, run key
    reasons: list[tuple[str, str]] = field(default_factory=list)  # journey, why something was not done

    def play(self, story: Iterable[Told], until: datetime) -> World:
        """Let everything happen in the order of time, up to `until`."""
        waiting = sorted(story, key=lambda told: told.heard)
        while True:
            moments = [told.heard for told in waiting[:1]] + [at for at in self._wanted() if at is not None]
            now = min(moments, default=until)
            if now >= until:
                return self
            if waiting and waiting[0].heard == now:
                self.hear(waiting.pop(0), now)
            else:
                self.tick(now)

    def _wanted(self) -> list[datetime | None]:
        due = [message.due for message in self.messages.values() if message.status == "planned"]
        return [*due, *(run.wake_at for run in self.runs.values())]

    def hear(self, told: Told, now: datetime) -> None:
        event = told.event
        self.facts = folded(self.facts, told)
        self.heard.append(event)
        for name in list(self.runs):
            self.signal(name, Happened(event), now)
        for match in triggered(self.journeys, event, self.names(event), now):
            if not match.starts or match.key is None:
                self.reasons.append((match.journey.name, str(match.reason)))
                continue
            name = (match.journey.name, match.key)
            if name not in self.runs:
                self.runs[name] = begin(match.journey, match.key, event)
                self.signal(name, Started(), now)
            elif step := restart(match.journey, self.runs[name], event, now, self.view(name, event)):
                self.take(name, step, now)

    def tick(self, now: datetime) -> None:
        for name, run in list(self.runs.items()):
            if run.wake_at is not None and run.wake_at <= now:
                self.signal(name, Woke(), now)
        for message in list(self.messages.values()):
            if message.status == "planned" and message.due <= now:
                self.gate(message, now)

    def signal(self, name: tuple[str, str], signal: Signal, now: datetime) -> None:
        self.take(name, advance(self.journey(name), self.runs[name], signal, now, self.view(name)), now)

    def take(self, name: tuple[str, str], step: Step, now: datetime) -> None:
        self.runs[name] = step.run
        for effect in step.effects:
            match effect:
                case Note(reason=str(reason)):
                    self.reasons.append((name[0], reason))
                case Cancel(reason=reason):
                    for message in self.messages.values():
                        if message.run == name and message.status == "planned":
                            message.status, message.reason = "cancelled", reason
                case Plan(step_id=step_id, due_at=due_at, expires_at=expires_at):
                    self.plan(name, step_id, due_at, expires_at, now)

    def plan(self, name: tuple[str, str], step_id: str, due: datetime, expires: datetime, now: datetime) -> None:
        journey = self.journey(name)
        step = journey.steps[journey.position(step_id) or 0]
        assert isinstance(step, Send)
        known = self.messages.get((*name, step_id))
        if known is None:
            self.messages[*name, step_id] = Message(name, step, due, expires)
        elif known.status == "sent":
            self.signal(name, Resolved(step_id=step_id, status="sent", at=now), now)
        else:
            assert known.status != "planned", "one message is planned once at a time"
            known.due, known.expires, known.status = due, expires, "planned"
            known.times_planned += 1

    def gate(self, message: Message, now: datetime) -> None:
        if self.down and self.down[0] <= now < self.down[1]:
            message.due = self.down[1]
            return
        journey, run = self.journey(message.run), self.runs[message.run]
        asked = Asked(
            step=message.step, purpose=journey.purpose, event_key=run.event_key, anchor=run.anchor,
            shipment=run.shipment,
            return_=run.return_, due_at=message.due, expires_at=message.expires,
        )  # fmt: skip
        heard = {event.key: event for event in self.heard if outweighs(event, self.facts)}
        verdict = still_true(asked, heard, self.view(message.run).names, now)
        if isinstance(verdict, Allow):
            verdict = may_reach(asked, "naoko@example.jp", self.standing(), now)
        match verdict:
            case Allow():
                self.sent.append((now, message.step.send, run.key))
                self.settle(message, "sent", None, now)
            case Defer(until=until):
                message.due = until
            case Refuse(status=status, reason=reason):
                self.settle(message, status, reason, now)

    def standing(self) -> Standing:
        orderer = self.facts.order.orderer
        offers = bool(orderer and orderer.accepts_marketing)
        return Standing(consents={"promotional": True} if offers else {}, zone=self.zone)

    def settle(self, message: Message, status: Any, reason: str | None, now: datetime) -> None:
        message.status, message.reason = status, reason
        if reason:
            self.reasons.append((message.run[0], reason))
        self.signal(message.run, Resolved(step_id=message.step.id, status=status, at=now), now)

    def journey(self, name: tuple[str, str]) -> Journey:
        return next(journey for journey in self.journeys if journey.name == name[0])

    def view(self, name: tuple[str, str], event: Event | None = None) -> View:
        run = self.runs[name]
        about = event or Event(
            type=run.event_type,
            key=run.event_key,
            occurred_at=run.anchor,
            shipment=run.shipment,
            return_=run.return_,
        )  # type: ignore[arg-type]
        return View(names=self.names(about), zone=self.zone)

    def names(self, event: Event) -> dict[str, Any]:
        return guard_view(self.facts, event=event)


def an_order(units: int = 2, *, gift: bool = False, offers: bool = True, notified: Iterable[str] = ()) -> Facts:
    """A paid-for-later order of one article and a gift card."""
    orderer = Party(name="髙橋 直子", email="naoko@example.jp", locale="ja", accepts_marketing=offers)
    recipient = Party(name="佐藤 健") if gift else orderer
    lines = (
        Line(id="tea", name="深蒸し煎茶", quantity=units),
        Line(id="card", name="ギフトカード", quantity=1, ships=False),
    )
    return Facts(
        order=Order(
            number="#1001", payment="pending", lines=lines, orderer=orderer, recipient=recipient,
            source_notified=frozenset(notified),
        )
    )  # fmt: skip


def folded(facts: Facts, told: Told) -> Facts:
    """The facts after an event, for stories that are told in events."""
    event, at = told.event, told.event.occurred_at
    subject, _, verb = event.type.partition(".")
    if subject == "order":
        return replace(facts, order=_order(facts.order, verb, at))
    if subject == "shipment" and event.shipment:
        parcel = _parcel(facts.shipments.get(event.shipment) or Shipment(key=event.shipment), event, told.also)
        return replace(facts, shipments={**facts.shipments, event.shipment: parcel})
    if subject == "return" and event.return_:
        goods: Any = told.also.get("goods", "returned")
        back = facts.returns.get(event.return_) or Return(key=event.return_, goods=goods)
        back = replace(back, **{f"{verb}_at": at}) if verb in STAGES else back
        return replace(facts, returns={**facts.returns, event.return_: back})
    return facts


def _order(order: Order, verb: str, at: datetime) -> Order:
    changes: dict[str, dict[str, Any]] = {
        "created": {"placed_at": at},
        "paid": {"payment": "paid", "paid_at": at},
        "confirmed": {
            "payment": "paid",
            "paid_at": at,
            "allocated_at": at,
            "confirmed_at": at,
            "on_hold": False,
        },
        "on_hold": {"on_hold": True},
        "cancelled": {"cancelled_at": at},
        "refunded": {"payment": "refunded"},
        "partially_refunded": {"payment": "partially_refunded"},
    }
    return replace(order, **changes.get(verb, {}))


def _parcel(parcel: Shipment, event: Event, also: dict[str, str]) -> Shipment:
    at = event.occurred_at
    if holds := also.get("holds"):
        packed = Packed(quantity=1, line_id="card") if holds == "card" else Packed(quantity=int(holds), line_id="tea")
        parcel = replace(parcel, contents=(packed,))
    if total := also.get("of"):
        parcel = replace(parcel, siblings=int(total))
    if event.type == "shipment.dispatched":
        return replace(parcel, dispatched_at=at, status=max(parcel.status, "label_created", key=RANK.__getitem__))
    if event.type == "shipment.dispatch_reverted":
        return replace(parcel, dispatched_at=None, status="pending")
    if event.type == "shipment.cancelled":
        return replace(parcel, cancelled_at=at, status="cancelled")
    status = STATUS_OF.get(event.type)
    if status is None:
        return parcel
    scans = tuple(sorted((*parcel.scans, Scan(at=at, status=status)), key=lambda scan: scan.at))
    final = [scan.status for scan in scans if RANK[scan.status] == FINAL]
    arrived = next((scan.at for scan in scans if scan.status == "delivered"), None)
    return replace(parcel, scans=scans, status=(final or [scans[-1].status])[-1], delivered_at=arrived)


def moment(text: str, zone: ZoneInfo) -> datetime:
    """ "day 7 10:00" as the clock on the customer's wall shows it."""
    found = MOMENT.fullmatch(text)
    assert found, f"{text!r}: expected day N HH:MM"
    day = DAY_ZERO + timedelta(days=int(found[1]))
    return datetime.combine(day, time.fromisoformat(found[2]), zone).astimezone(UTC)


def told(given: dict[str, str], zone: ZoneInfo) -> Told:
    """One line of a scenario's `given`."""
    given = dict(given)
    at = moment(given.pop("at"), zone)
    heard = moment(given.pop("heard"), zone) if "heard" in given else at
    kind, parcel, back = given.pop("event"), given.pop("parcel", None), given.pop("return", None)
    assert set(given) <= {"holds", "of", "goods"}, f"unknown words in a scenario: {given}"
    return Told(event=an_event(kind, at, parcel, back), heard=heard, also=given)


def an_event(kind: Any, at: datetime, parcel: str | None = None, back: str | None = None) -> Event:
    key = f"{kind}/{parcel or back or 'order'}@{at.isoformat()}"
    return Event(type=kind, key=key, occurred_at=at, shipment=parcel, return_=back)
