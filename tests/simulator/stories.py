"""What happens to orders over virtual days, and how it is told: late, twice, out of order, or as history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from random import Random
from typing import Any

import msgspec

from engine.contracts import Observation, OrderSeen, Receipt, Ref, ReturnSeen, ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.order import Line, Money
from tests.simulator.weather import Weather
from tests.simulator.world import START

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LINES = (
    Line(id="a", name="湯呑", quantity=2, price=Money(amount="4400", currency="JPY")),
    Line(id="b", name="急須", quantity=1, price=Money(amount="6600", currency="JPY")),
)
# How a parcel travels: what the carrier says, and the hours since what it said before.
ROUTES = (
    (),
    (("in_transit", 5), ("out_for_delivery", 12), ("delivered", 2)),
    (("picked_up", 1), ("delivered", 20)),
    (("in_transit", 5), ("out_for_delivery", 9), ("delivery_failed", 3), ("out_for_delivery", 14), ("delivered", 1)),
    (("in_transit", 4), ("ready_for_pickup", 10), ("delivered", 30)),
    (("in_transit", 4), ("delivery_failed", 20), ("returning", 5)),
)


@dataclass(kw_only=True)
class Told:
    """One delivery: what is said, when it was so, and when it is brought. `order` counts orders from 0; what a
    provider says of a message belongs to none."""

    order: int
    seen: Observation | Receipt
    so: float  # seconds since START
    brought: float
    backfill: bool = False
    copy: int = 0  # another delivery of the same
    acknowledged: bool = False

    @cached_property
    def body(self) -> bytes:
        return msgspec.json.encode((self.seen,))

    @cached_property
    def key(self) -> str:
        """The delivery's own id, as the source gives it."""
        return f"{self.order}/{self.copy}/{sha256(self.body).hexdigest()[:16]}"


@dataclass(kw_only=True)
class Story:
    """Everything told about some orders."""

    told: list[Told] = field(default_factory=list)
    backfilled: set[int] = field(default_factory=set)  # orders that come as history
    leavers: list[tuple[float, int]] = field(default_factory=list)  # when the customer of which order says stop


def number(order: int) -> str:
    return f"#{1001 + order}"


def address(order: int) -> str:
    return f"customer{order}@example.com"


def _at(t: float) -> datetime:
    return START + timedelta(seconds=t)


class _Teller:
    def __init__(self, rng: Random, weather: Weather, order: int, story: Story, start: float) -> None:
        self.rng, self.weather, self.order, self.story = rng, weather, order, story
        self.t = start
        self.history = order in story.backfilled

    def wait(self, hours: float) -> None:
        self.t += round(hours * 60 * self.rng.uniform(0.2, 1.5)) * MINUTE

    def tell(self, seen: Observation) -> None:
        rng, weather = self.rng, self.weather
        late = rng.random() < weather.late
        delay = rng.choice((20 * MINUTE, 3 * HOUR, 30 * HOUR, 3 * DAY)) * rng.random() if late else rng.random() * 5
        again = rng.random() < weather.doubled
        brought = rng.random() * HOUR if self.history else self.t + delay
        one = Told(order=self.order, seen=seen, so=self.t, brought=brought, backfill=self.history)
        self.story.told.append(one)
        if again:
            copy = 1 if rng.random() < 0.5 else 0  # with an id of its own, or as the same delivery
            later = brought + rng.choice((0.0, MINUTE, 5 * HOUR)) * rng.random()
            self.story.told.append(
                Told(order=self.order, seen=seen, so=self.t, brought=later, backfill=self.history, copy=copy)
            )

    def order_is(self, **said: Any) -> None:
        who = Party(name="髙橋 直子", email=address(self.order), locale="ja-JP", accepts_marketing=self.order % 2 == 0)
        known: dict[str, Any] = {"lines": LINES, "total": Money(amount="15400", currency="JPY"), "orderer": who}
        ref = Ref(order_id=str(self.order), order_number=number(self.order))
        self.tell(OrderSeen(ref=ref, as_of=_at(self.t), **(known | said)))

    def parcel(self, name: str) -> None:
        ref = Ref(order_id=str(self.order), order_number=number(self.order), shipment_id=name)
        shipped = ShipmentSeen(
            ref=ref, as_of=_at(self.t), dispatched_at=_at(self.t), carrier="yamato", carrier_name="ヤマト運輸"
        )
        self.tell(shipped)
        for status, hours in self.rng.choice(ROUTES):
            self.wait(hours)
            told: Any = "return_to_sender" if status == "returning" else status
            self.tell(ScanSeen(ref=ref, as_of=_at(self.t), status=told))

    def goes_back(self) -> None:
        ref = Ref(order_id=str(self.order), order_number=number(self.order), return_id="r1")
        known: dict[str, Any] = {}
        for stage in ("requested_at", "received_at", "refunded_at"):
            self.wait(40)
            known[stage] = _at(self.t)
            if stage == "refunded_at":
                known["amount"] = Money(amount="4400", currency="JPY")
            self.tell(ReturnSeen(ref=ref, as_of=_at(self.t), **known))
            if self.rng.random() < 0.4:
                return


def _tell(teller: _Teller) -> None:
    rng = teller.rng
    placed = _at(teller.t)
    if rng.random() < 0.5:
        teller.order_is(placed_at=placed, payment="pending")
        teller.wait(2)
    teller.order_is(placed_at=placed, payment="paid")
    end = rng.random()
    teller.wait(10)
    if end < 0.15:
        teller.order_is(placed_at=placed, payment="paid", cancelled_at=_at(teller.t))
        return
    if end < 0.25:
        return
    gone = teller.t
    for n in range(rng.choice((1, 1, 2))):
        teller.t = gone
        teller.wait(3 * n)
        teller.parcel(f"s{teller.order}-{n}")
    if end > 0.8:
        teller.goes_back()


def cancelled(order: int, t: float) -> Told:
    """The shop says at once that the order is cancelled."""
    ref = Ref(order_id=str(order), order_number=number(order))
    return Told(order=order, seen=OrderSeen(ref=ref, as_of=_at(t), cancelled_at=_at(t)), so=t, brought=t)


def tell(rng: Random, weather: Weather) -> Story:
    """The story of a seed. With the same numbers drawn, calm weather tells the same without delay."""
    story = Story()
    orders = rng.choice((1, 1, 1, 2))
    for order in range(orders):
        if rng.random() < 0.1:
            story.backfilled.add(order)
        start = rng.random() * 6 * HOUR - (20 * DAY if order in story.backfilled else 0)
        _tell(_Teller(rng, weather, order, story, round(start / MINUTE) * MINUTE))
        if rng.random() < weather.stops:
            story.leavers.append((rng.random() * 9 * DAY, order))
    story.told.sort(key=lambda one: one.brought)
    return story


def in_order(story: Story) -> Story:
    """The same story, told as it happens."""
    once = {(one.order, one.body): one for one in story.told}
    told = [
        Told(order=one.order, seen=one.seen, so=one.so, brought=max(one.so, 0.0), backfill=one.backfill)
        for one in once.values()
    ]
    return Story(told=sorted(told, key=lambda one: one.so), backfilled=story.backfilled)
