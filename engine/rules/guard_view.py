"""Facts as a journey's `where` and `unless` see them: numbers, flags and times, nothing personal, so that
what a guard saw can stand in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.model.event import Event
from engine.model.facts import Facts
from engine.model.order import Order
from engine.model.returns import Return
from engine.model.shipment import RANK, Shipment
from engine.rules.happen import delivered_at
from engine.rules.units import Units, account, dispatched, siblings, travels

View = Mapping[str, Any]


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


def guard_view(
    facts: Facts,
    *,
    role: str = "orderer",
    event: Event | None = None,
    shipment: str | None = None,
    return_: str | None = None,
    more: View | None = None,
) -> dict[str, Any]:
    """What guards may ask about this subject; `more` holds what only the database knows of the customer."""
    order, units = facts.order, account(facts)
    ships = [units[line.id] for line in order.lines if line.ships]
    arrived = delivered_at(facts)
    count = len(dispatched(facts))
    party = order.recipient if role == "recipient" else order.orderer
    shipment = shipment or (event.shipment if event else None)
    return_ = return_ or (event.return_ if event else None)
    return {
        "order": {
            "number": order.number,
            "placed_at": order.placed_at,
            "payment": order.payment,
            "paid": order.paid_at is not None,
            "allocated": order.allocated_at is not None,
            "confirmed": order.confirmed_at is not None,
            "cancelled": order.cancelled_at is not None,
            "on_hold": order.on_hold,
            "gift": is_gift(order),
            "test": order.test,
            "parcel_count": count,
            "parcels_total": parcels_total(facts, ships),
            "ordered": sum(u.ordered for u in ships),
            "unshipped": sum(u.unshipped for u in ships),
            "shipped": sum(sum(u.shipped.values()) for u in ships),
            "cancelled_units": sum(u.cancelled for u in ships),
            "returned": sum(u.returned for u in ships),
            "all_delivered": arrived is not None,
            "undelivered": len(_open_parcels(facts)) + bool(sum(u.unshipped for u in ships)),
            "returning": _is_returning(facts),
            "refunded": order.payment in {"refunded", "partially_refunded"},
            "delivered_at": arrived,
            "source_notified": _source_notified(facts, shipment),
        },
        "shipment": _guard_shipment(facts, shipment),
        "return_": _guard_return(facts.returns.get(return_ or "")),
        "customer": {
            "role": role,
            "has_email": bool(party and party.email),
            "locale": party.locale if party else None,
            "accepts_marketing": bool(order.orderer and order.orderer.accepts_marketing),
            "orders_since": 0,
            **(more or {}),
        },
        "event": {"type": event.type if event else None, "shipment": event.shipment if event else None},
    }


def _source_notified(facts: Facts, shipment: str | None) -> list[str]:
    """Event types that the source has written to the customer about itself."""
    parcel = facts.shipments.get(shipment or "")
    told = {"shipment.dispatched"} if parcel and parcel.source_notified else set()
    return sorted(facts.order.source_notified | told)


def _guard_shipment(facts: Facts, key: str | None) -> dict[str, Any]:
    parcel = facts.shipments.get(key or "") or Shipment(key="")
    left = [one.key for one in dispatched(facts)]
    return {
        "key": parcel.key or None,
        "position": left.index(parcel.key) + 1 if parcel.key in left else None,
        "total": len(left),
        "carrier": parcel.carrier,
        "number": parcel.number,
        "status": parcel.status,
        "rank": RANK[parcel.status],
        "dispatched": parcel.dispatched_at is not None,
        "delivered": parcel.delivered_at is not None,
        "attempts": attempts(parcel),
        "reason": parcel.scans[-1].reason if parcel.scans else None,
        "substatus": parcel.scans[-1].substatus if parcel.scans else None,
        "cancelled": parcel.cancelled_at is not None,
        "leg": parcel.leg,
        "ships": travels(facts, parcel),
    }


def _guard_return(back: Return | None) -> dict[str, Any]:
    stages = ("requested", "approved", "received", "refunded", "declined")
    said = {stage: back is not None and getattr(back, f"{stage}_at") is not None for stage in stages}
    return {"goods": back.goods if back else None, **said}


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
