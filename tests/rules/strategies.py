"""Whole stories of orders, as several sources tell them: what a property test shuffles and repeats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from engine.contracts import Observation, OrderSeen, Ref, ReturnSeen, ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.order import Line, Money
from engine.model.shipment import Packed, Status
from engine.rules.fold import Heard

START = datetime(2026, 4, 1, 0, 0, tzinfo=UTC)
ORDERER = Party(name="髙橋 花子", email="hanako@example.jp", customer_id="c1")
GIFT = Party(name="山﨑 太郎", phone="+81312345678")

# How a parcel can travel: what the carrier says, and the minutes since what it said before.
ROUTES: dict[str, Sequence[tuple[Status, int]]] = {
    "no scans": (),
    "straight": (("picked_up", 60), ("in_transit", 300), ("out_for_delivery", 500), ("delivered", 90)),
    "redelivery": (
        ("in_transit", 60), ("out_for_delivery", 500), ("delivery_failed", 90), ("on_hold", 10),
        ("out_for_delivery", 900), ("delivery_failed", 60), ("out_for_delivery", 1200), ("delivered", 45),
    ),
    "shop pickup": (("in_transit", 60), ("ready_for_pickup", 600), ("delivered", 1500)),
    "noise": (("in_transit", 60), ("delivered", 400), ("out_for_delivery", 3), ("unknown", 9)),
    "refused": (("in_transit", 60), ("delivery_failed", 400), ("return_to_sender", 60), ("delivered", 2000)),
    "way back": (
        ("picked_up", 60), ("delivered", 700), ("picked_up", 5000), ("in_transit", 100), ("delivered", 900),
    ),
    "lost": (("in_transit", 60), ("delivery_delayed", 3000), ("lost", 9000)),
    "found": (("in_transit", 60), ("lost", 9000), ("in_transit", 100), ("delivered", 800)),
    "voided": (("label_created", 1), ("cancelled", 20)),
    "unreadable": (("unknown", 10), ("pending", 10)),
}  # fmt: skip


class Story:
    """Collects what is said while a clock moves on. Sources count whole minutes, so ties happen."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.now, self.told = draw, START, list[Heard]()

    def wait(self, longest: int) -> None:
        self.now += timedelta(minutes=self.draw(st.integers(0, longest)))

    def tell(self, connection: str, seen: Observation) -> None:
        self.told.append(Heard(connection=connection, seen=seen))

    def sometimes(self) -> bool:
        return self.draw(st.booleans())


def lines(draw: st.DrawFn) -> tuple[Line, ...]:
    amounts = st.sampled_from([1, 1, 2, 3, 1.5])
    made = [
        Line(
            id=f"l{n}",
            name=f"item {n}",
            sku=draw(st.sampled_from([f"sku{n}", "sku0"])),
            quantity=draw(amounts),
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    if draw(st.booleans()):
        made.append(Line(id="card", name="gift card", quantity=1, ships=False))
    return tuple(made)


def _ordered(story: Story, ordered: tuple[Line, ...]) -> None:
    """The life of the order itself, a snapshot for each change."""
    placed = story.now
    known: dict[str, object] = {
        "placed_at": placed,
        "lines": ordered,
        "total": Money(amount="8800", currency="JPY"),
    }
    steps: list[dict[str, object]] = [{"payment": story.draw(st.sampled_from(["pending", "authorized", "paid"]))}]
    if story.sometimes():
        steps.append({"allocated": False})
    if story.sometimes():
        steps.append({"payment": "failed"})
    if story.sometimes():
        steps.append({"on_hold": True})
        steps.append({"on_hold": False})
    steps.append({"payment": "paid"})
    if {"allocated": False} in steps:
        steps.append({"allocated": True})
    if story.sometimes():
        fewer = tuple(Line(id=one.id, name=one.name, sku=one.sku, quantity=1, ships=one.ships) for one in ordered)
        steps.append({"lines": fewer, "recipient": GIFT})
    if story.sometimes():
        steps.append({"lines": tuple(_with_cancelled(story, one) for one in ordered)})
    if story.draw(st.integers(0, 3)) == 0:  # the story is heard while it is not over yet
        steps = steps[: story.draw(st.integers(1, len(steps)))]
    contact = story.sometimes()  # else the order comes first without anybody to write to
    for step in steps:
        known.update(step)
        if contact:
            known["orderer"] = ORDERER
        ref = Ref(order_id="900", order_number="#1001")
        story.tell("shop", OrderSeen(ref=ref, as_of=story.now, **known))  # type: ignore[arg-type]
        contact = contact or story.sometimes()
        story.wait(30)


def _with_cancelled(story: Story, line: Line) -> Line:
    cancelled = story.draw(st.integers(0, 2))
    return Line(
        id=line.id,
        name=line.name,
        sku=line.sku,
        quantity=line.quantity,
        ships=line.ships,
        cancelled=cancelled,
    )


def _packed(story: Story, ordered: tuple[Line, ...]) -> tuple[Packed, ...] | None:
    if story.sometimes():
        return None
    made = []
    for line in ordered:
        quantity = story.draw(st.sampled_from([0, 1, 2, 0.5]))
        by = story.draw(st.sampled_from(["line_id", "sku", "name"]))
        named = {"line_id": line.id} if by == "line_id" else {by: getattr(line, by)}
        made.append(Packed(quantity=quantity, **named))
    return tuple(made)


def _parcel(story: Story, n: int, count: int, ordered: tuple[Line, ...]) -> None:
    """One parcel: packed by the shop, known to the warehouse by another name, followed by a tracker."""
    number = f"4000-0000-00{n}0"
    shop = Ref(order_number="#1001", shipment_id=f"F{n}")
    full = Ref(order_number="#1001", shipment_id=f"F{n}", tracking_number=number)
    contents = _packed(story, ordered)
    siblings = count if story.sometimes() else None
    named = story.sometimes()  # else the number is added later
    story.tell(
        "shop",
        ShipmentSeen(ref=full if named else shop, as_of=story.now, contents=contents, siblings=siblings),
    )
    story.wait(20)
    gone = story.now
    if story.sometimes():
        ref = Ref(order_number="1001", shipment_id=f"W{n}" if story.sometimes() else None, tracking_number=number)
        story.tell("warehouse", ShipmentSeen(ref=ref, as_of=story.now, dispatched_at=gone, carrier="yamato"))
        story.wait(5)
    if story.sometimes():
        story.tell("shop", ShipmentSeen(ref=full if named else shop, as_of=story.now, dispatched_at=gone))
        if story.sometimes():
            story.wait(5)
            story.tell("shop", ShipmentSeen(ref=full if named else shop, as_of=story.now, reverted=True))
            story.wait(50)
            story.tell("shop", ShipmentSeen(ref=full, as_of=story.now, dispatched_at=story.now))
    if story.sometimes():
        story.tell("shop", ShipmentSeen(ref=full, as_of=story.now, contents=contents))
    if n == 0 and story.sometimes():  # a source that knows the order only
        story.tell("sheet", ShipmentSeen(ref=Ref(order_number="1001"), as_of=story.now, dispatched_at=gone))
    if story.draw(st.integers(0, 5)) == 0:
        story.tell("shop", ShipmentSeen(ref=shop, as_of=story.now, cancelled_at=story.now))
    tracker = Ref(tracking_number=story.draw(st.sampled_from([number, number.replace("-", "")])))
    by_shop = story.sometimes()
    for status, minutes in ROUTES[story.draw(st.sampled_from(list(ROUTES)))]:
        story.now += timedelta(minutes=minutes)
        scan = ScanSeen(ref=full if by_shop else tracker, as_of=story.now, status=status)
        story.tell("shop" if by_shop else "tracker", scan)
    if story.draw(st.integers(0, 5)) == 0:
        story.tell("shop", ShipmentSeen(ref=full, as_of=story.now + timedelta(hours=2), leg=2))


def _money_back(story: Story, n: int, ordered: tuple[Line, ...]) -> None:
    goods = story.draw(st.sampled_from(["returned", "cancelled", "kept"]))
    line = story.draw(st.sampled_from(ordered))
    ref = Ref(order_id="900", return_id=f"R{n}" if story.sometimes() else None)
    known: dict[str, object] = {"goods": goods, "contents": (Packed(quantity=1, line_id=line.id),)}
    for stage in ("requested_at", "approved_at", "received_at", "refunded_at"):
        if story.sometimes():
            known[stage] = story.now
            amount = Money(amount=story.draw(st.sampled_from(["800", "8800"])), currency="JPY")
            known["amount"] = amount
            story.tell("shop", ReturnSeen(ref=ref, as_of=story.now, **known))  # type: ignore[arg-type]
        story.wait(500)


@st.composite
def stories(draw: st.DrawFn) -> list[Heard]:
    """Observations of one order, oldest first."""
    story = Story(draw)
    ordered = lines(draw)
    _ordered(story, ordered)
    after_order = story.now
    count = draw(st.integers(0, 3))
    for n in range(count):
        story.now = after_order
        _parcel(story, n, count, ordered)
    for n in range(draw(st.integers(0, 2))):
        story.wait(3000)
        _money_back(story, n, ordered)
    if draw(st.integers(0, 4)) == 0:
        ref = Ref(order_id="900", order_number="#1001")
        end = draw(st.sampled_from([{"cancelled_at": story.now}, {"payment": "refunded"}]))
        story.tell("shop", OrderSeen(ref=ref, as_of=story.now, **end))  # type: ignore[arg-type]
    return sorted(story.told, key=lambda heard: heard.seen.as_of)


@st.composite
def hearings(draw: st.DrawFn) -> tuple[list[Heard], list[list[Heard]]]:
    """A story, and the same told in another order, with repeats, in batches of any size."""
    told = draw(stories())
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    mixed = draw(st.permutations([*told, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(mixed)), max_size=6)))
    return told, [mixed[a:b] for a, b in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]
