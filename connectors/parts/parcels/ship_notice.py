"""Ship notices of EDI (X12 856, EDIFACT DESADV) as one value, and the observations of its parcels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from msgspec import structs

from connectors.parts.values.arrivals import NOBODY_SAYS, Arrival
from connectors.parts.values.times import zone_named
from connectors.parts.values.values import When, day_bounds
from engine.contracts import Observation, Ref, ScanSeen, ShipmentSeen
from engine.model.customer import Party
from engine.model.shipment import Packed

Goods = tuple[str | None, Packed]  # the order that it is for, and the units


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One package. `numbers` are what its carrier tracks it by, `own` is what its sender calls it (SSCC). `goods` is
    None where the notice does not tell what is in it. `recipient` where it has one of its own."""

    numbers: tuple[str, ...] = ()
    own: str | None = None
    orders: tuple[str, ...] = ()
    goods: tuple[Goods, ...] | None = None
    recipient: Party | None = None


@dataclass(frozen=True, kw_only=True)
class Notice:
    """`numbers` are what the carrier tracks the whole shipment by. Times are aware."""

    number: str | None
    told_at: datetime
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    expected: Arrival = NOBODY_SAYS
    withdrawn: bool = False
    carrier: str | None = None
    carrier_name: str | None = None
    recipient: Party | None = None
    numbers: tuple[str, ...] = ()
    packs: tuple[Pack, ...] = ()


def past(said: When | None, zone: str, told: date | None, received_at: datetime) -> datetime | None:
    """When something happened that a notice dates, never after `received_at`; None for a day still to come, which is a
    plan. `told` is the day of the notice by its sender's clock, which may be ahead of the connection's zone. A day
    without a time means some time that day: its end counts, or the notice's arrival."""
    if said is None:
        return None
    today = received_at.astimezone(zone_named(zone)).date()
    if said.day > max(today, told or today):
        return None
    return min(said.at or day_bounds(said.day, zone)[1], received_at)


def told_at(dates: Sequence[When], zone: str, received_at: datetime) -> datetime:
    """When a notice was made, of the dates that it and its envelope bear: the latest moment, else the latest day."""
    timed = [one for one in dates if one.at] or dates
    day = max(one.day for one in dates)
    return max((at for one in timed if (at := past(one, zone, day, received_at))), default=received_at)


def until(said: When | None, zone: str) -> Arrival:
    """A moment as the latest of an arrival, a day as both its ends."""
    if said is None:
        return NOBODY_SAYS
    return (None, said.at) if said.at else day_bounds(said.day, zone)


def observed(notice: Notice) -> Iterator[Observation]:
    """A parcel for each package that has a number of its own. Where only the shipment has one, the shipment is the
    parcel: it is what its carrier tells of. A parcel of several orders is one for each of them, without the number that
    they share, or the orders would be taken for one."""
    packs = _parcels(notice)
    alone = len(packs) == 1
    for pack in packs:
        number = pack.numbers[0] if pack.numbers else pack.own
        own = pack.own or number
        name = (notice.number or own) if alone else (own or notice.number)
        shared = len(pack.orders) > 1
        apart = shared or not (alone or own)
        orders: tuple[str | None, ...] = pack.orders or (None,)
        for order in orders:
            ref = Ref(
                order_number=order,
                shipment_id=f"{name}/{order}" if name and order and apart else name,
                tracking_number=None if shared else number,
            )
            if ref == Ref():
                continue
            yield _seen(notice, ref, _contents(pack, order), pack.recipient or notice.recipient)
            if notice.delivered_at and not notice.withdrawn:
                yield ScanSeen(ref=ref, as_of=notice.delivered_at, status="delivered")


def _seen(notice: Notice, ref: Ref, contents: tuple[Packed, ...] | None, recipient: Party | None) -> ShipmentSeen:
    if notice.withdrawn:
        return ShipmentSeen(ref=ref, as_of=notice.told_at, reverted=True, cancelled_at=notice.told_at)
    return ShipmentSeen(
        ref=ref,
        as_of=notice.told_at,
        dispatched_at=notice.dispatched_at,
        carrier=notice.carrier,
        carrier_name=notice.carrier_name,
        contents=contents,
        recipient=recipient,
        eta_from=notice.expected[0],
        eta_until=notice.expected[1],
    )


def _parcels(notice: Notice) -> Sequence[Pack]:
    packs: Sequence[Pack] = notice.packs or (Pack(),)
    if notice.numbers and not any(pack.numbers for pack in packs):
        packs = (_together(packs, notice.numbers, None),)
    groups: dict[object, list[Pack]] = {}
    for pack in packs:  # without any number, the packages of an order cannot be told apart
        groups.setdefault((pack.numbers, pack.own) if pack.numbers or pack.own else pack.orders, []).append(pack)
    parcels: list[Pack] = []
    for some in groups.values():
        pack = _together(some, some[0].numbers, some[0].own)
        if len(pack.numbers) <= 1:
            parcels.append(pack)
        else:  # what is in which of them nobody tells
            parcels += [replace(pack, numbers=(number,), own=None, goods=None) for number in pack.numbers]
    return parcels


def _together(packs: Sequence[Pack], numbers: tuple[str, ...], own: str | None) -> Pack:
    """All packages as one."""
    known = [pack.goods for pack in packs]
    people = [pack.recipient for pack in packs]
    return Pack(
        numbers=numbers,
        own=own,
        orders=tuple(dict.fromkeys(order for pack in packs for order in pack.orders)),
        goods=None if None in known else tuple(goods for some in known for goods in some or ()),
        recipient=people[0] if all(one == people[0] for one in people) else None,
    )


def _contents(pack: Pack, order: str | None) -> tuple[Packed, ...] | None:
    """The units of the order in the package; None when some are of nobody knows which order."""
    if not pack.goods or (len(pack.orders) > 1 and any(owner is None for owner, _ in pack.goods)):
        return None
    units: dict[tuple[str | None, str | None], Packed] = {}
    for owner, one in pack.goods:
        if owner is None or owner == order:
            before = units.get((one.sku, one.name))
            units[one.sku, one.name] = structs.replace(one, quantity=before.quantity + one.quantity) if before else one
    return tuple(units.values()) or None
