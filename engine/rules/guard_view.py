"""Facts as a journey's `where` and `unless` see them: numbers, flags and times, nothing personal, so that
what a guard saw can stand in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.model.customer import Party
from engine.model.event import Event
from engine.model.facts import Facts
from engine.model.order import Order
from engine.model.returns import Return
from engine.model.shipment import RANK, Scan, Shipment
from engine.rules.happen import delivered_at
from engine.rules.units import Units, account, dispatched, siblings, travels

_NO_PARCEL, _NO_RETURN = Shipment(key=""), Return(key="")


def is_gift(order: Order) -> bool:
    """True when the order goes to somebody else than the orderer, as far as both names are known."""
    if not (order.orderer and order.recipient):
        return False
    names = [("".join((party.name or "").split())) for party in (order.orderer, order.recipient)]
    return all(names) and sorted(names[0]) != sorted(names[1])  # "直子 髙橋" and "髙橋 直子" are one person


def _open_parcels(facts: Facts) -> list[Shipment]:
    return [p for p in dispatched(facts) if p.status not in {"delivered", "returned", "lost"} and not p.delivered_at]


def _is_returning(facts: Facts) -> bool:
    backs = (b for b in facts.returns.values() if b.goods == "returned" and not b.declined_at)
    return any(True for _ in backs) or any(
        p.status in {"return_to_sender", "returned"} for p in facts.shipments.values()
    )


class Scene(Struct, frozen=True, kw_only=True):
    """What a guard is asked of: the facts, and which person, event, parcel and return it is about."""

    facts: Facts
    role: str
    event: Event | None
    shipment: str | None
    return_: str | None
    orders_since: int

    @property
    def party(self) -> Party | None:
        """The person a message would be for."""
        order = self.facts.order
        return order.recipient if self.role == "recipient" else order.orderer

    @property
    def parcel(self) -> Shipment:
        """The parcel it is about, an empty one where it is about none."""
        return self.facts.shipments.get(self.shipment or "", _NO_PARCEL)

    @property
    def last(self) -> Scan | None:
        """The parcel's last scan."""
        return self.parcel.scans[-1] if self.parcel.scans else None

    @property
    def back(self) -> Return:
        """The return it is about, an empty one where it is about none."""
        return self.facts.returns.get(self.return_ or "", _NO_RETURN)

    @property
    def ships(self) -> list[Units]:
        """The units of every line in which something travels."""
        units = account(self.facts)
        return [units[line.id] for line in self.facts.order.lines if line.ships]


Ask = Callable[[Scene], Any]

_ORDER: Mapping[str, Ask] = {
    "number": lambda scene: scene.facts.order.number,
    "placed_at": lambda scene: scene.facts.order.placed_at,
    "payment": lambda scene: scene.facts.order.payment,
    "paid": lambda scene: scene.facts.order.paid_at is not None,
    "allocated": lambda scene: scene.facts.order.allocated_at is not None,
    "confirmed": lambda scene: scene.facts.order.confirmed_at is not None,
    "cancelled": lambda scene: scene.facts.order.cancelled_at is not None,
    "on_hold": lambda scene: scene.facts.order.on_hold,
    "gift": lambda scene: is_gift(scene.facts.order),
    "test": lambda scene: scene.facts.order.test,
    "parcel_count": lambda scene: len(dispatched(scene.facts)),
    "parcels_total": lambda scene: parcels_total(scene.facts, scene.ships),
    "ordered": lambda scene: sum(units.ordered for units in scene.ships),
    "unshipped": lambda scene: sum(units.unshipped for units in scene.ships),
    "shipped": lambda scene: sum(sum(units.shipped.values()) for units in scene.ships),
    "cancelled_units": lambda scene: sum(units.cancelled for units in scene.ships),
    "returned": lambda scene: sum(units.returned for units in scene.ships),
    "all_delivered": lambda scene: delivered_at(scene.facts) is not None,
    "undelivered": lambda scene: len(_open_parcels(scene.facts)) + any(units.unshipped for units in scene.ships),
    "returning": lambda scene: _is_returning(scene.facts),
    "refunded": lambda scene: scene.facts.order.payment in {"refunded", "partially_refunded"},
    "delivered_at": lambda scene: delivered_at(scene.facts),
    "source_notified": lambda scene: _source_notified(scene.facts, scene.parcel),
}
_SHIPMENT: Mapping[str, Ask] = {
    "key": lambda scene: scene.parcel.key or None,
    "position": lambda scene: _position(scene.facts, scene.parcel),
    "total": lambda scene: len(dispatched(scene.facts)),
    "carrier": lambda scene: scene.parcel.carrier,
    "number": lambda scene: scene.parcel.number,
    "status": lambda scene: scene.parcel.status,
    "rank": lambda scene: RANK[scene.parcel.status],
    "dispatched": lambda scene: scene.parcel.dispatched_at is not None,
    "delivered": lambda scene: scene.parcel.delivered_at is not None,
    "attempts": lambda scene: attempts(scene.parcel),
    "reason": lambda scene: scene.last.reason if scene.last else None,
    "substatus": lambda scene: scene.last.substatus if scene.last else None,
    "cancelled": lambda scene: scene.parcel.cancelled_at is not None,
    "leg": lambda scene: scene.parcel.leg,
    "ships": lambda scene: travels(scene.facts, scene.parcel),
}
_RETURN: Mapping[str, Ask] = {
    "goods": lambda scene: scene.back.goods if scene.back.key else None,
    "requested": lambda scene: scene.back.requested_at is not None,
    "approved": lambda scene: scene.back.approved_at is not None,
    "received": lambda scene: scene.back.received_at is not None,
    "refunded": lambda scene: scene.back.refunded_at is not None,
    "declined": lambda scene: scene.back.declined_at is not None,
}
_CUSTOMER: Mapping[str, Ask] = {
    "role": lambda scene: scene.role,
    "has_email": lambda scene: bool(scene.party and scene.party.email),
    "locale": lambda scene: scene.party.locale if scene.party else None,
    "accepts_marketing": lambda scene: bool(scene.facts.order.orderer and scene.facts.order.orderer.accepts_marketing),
    "orders_since": lambda scene: scene.orders_since,
}
_EVENT: Mapping[str, Ask] = {
    "type": lambda scene: scene.event.type if scene.event else None,
    "shipment": lambda scene: scene.event.shipment if scene.event else None,
}
_GROUPS: Mapping[str, Mapping[str, Ask]] = {
    "order": _ORDER, "shipment": _SHIPMENT, "return_": _RETURN, "customer": _CUSTOMER, "event": _EVENT,
}  # fmt: skip


class Group(Mapping[str, Any]):
    """The names of one group. Each is answered when it is first asked: a guard names three of fifty."""

    __slots__ = ("_asks", "_known", "_scene")

    def __init__(self, asks: Mapping[str, Ask], scene: Scene) -> None:
        self._asks, self._scene = asks, scene
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._asks[name](self._scene)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._asks

    def __iter__(self) -> Iterator[str]:
        return iter(self._asks)

    def __len__(self) -> int:
        return len(self._asks)


def guard_view(
    facts: Facts,
    *,
    role: str = "orderer",
    event: Event | None = None,
    shipment: str | None = None,
    return_: str | None = None,
    orders_since: int = 0,
) -> dict[str, Group]:
    """What guards may ask about this subject; how many orders have come since, only the database knows."""
    scene = Scene(
        facts=facts, role=role, event=event, shipment=shipment or (event.shipment if event else None),
        return_=return_ or (event.return_ if event else None), orders_since=orders_since,
    )  # fmt: skip
    return {name: Group(asks, scene) for name, asks in _GROUPS.items()}


def _source_notified(facts: Facts, parcel: Shipment) -> list[str]:
    """Event types that the source has written to the customer about itself."""
    told = {"shipment.dispatched"} if parcel.source_notified else set()
    return sorted(facts.order.source_notified | told)


def _position(facts: Facts, parcel: Shipment) -> int | None:
    left = [one.key for one in dispatched(facts)]
    return left.index(parcel.key) + 1 if parcel.key in left else None


def attempts(parcel: Shipment) -> int:
    return sum(scan.status == "delivery_failed" for scan in parcel.scans)


def parcels_total(facts: Facts, ships: list[Units]) -> int | None:
    """How many parcels the order has in all; None while that is open."""
    expected = siblings(facts)
    if expected:
        return max(expected, len(dispatched(facts)))
    if not ships or any(units.unshipped for units in ships):
        return None
    return len(dispatched(facts)) or None
