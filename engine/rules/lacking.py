"""What an observation says in a few words, and what somebody who sets a source up may miss in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from engine.contracts import Observation, OrderSeen, ReturnSeen, ScanSeen, ShipmentSeen
from engine.rules.english import Count


def says(seen: Observation) -> str:
    """A line for people: what it would change."""
    match seen:
        case OrderSeen():
            return _words(_order(seen))
        case ShipmentSeen():
            return _words(_shipment(seen))
        case ScanSeen():
            return _words([seen.status, seen.reason, seen.place])
        case ReturnSeen():
            return _words(_return(seen))


def lacking(seen: Observation) -> tuple[str, ...]:
    """What a journey would want to know and this does not tell, by the names of its fields."""
    ref = seen.ref
    of_order = () if ref.order_number or ref.order_id else ("ref.order_number",)
    told: dict[str, object]
    match seen:
        case OrderSeen():
            contact = seen.orderer and (seen.orderer.email or seen.orderer.phone)
            told = {"ref.order_number": ref.order_number, "placed_at": seen.placed_at, "lines": seen.lines,
                    "orderer.email": contact}  # fmt: skip
        case ShipmentSeen():
            told = {"ref.tracking_number": ref.tracking_number, "contents": seen.contents,
                    "carrier": seen.carrier or not ref.tracking_number}  # fmt: skip
        case ScanSeen():
            told = {"status": seen.status != "unknown", "ref.tracking_number": ref.tracking_number or ref.shipment_id}
        case ReturnSeen():
            told = {"contents": seen.contents or seen.amount}
    missed = tuple(name for name, value in told.items() if not value)
    return missed if isinstance(seen, OrderSeen | ScanSeen) else (*of_order, *missed)


def moments(seen: Observation) -> Mapping[str, datetime | date]:
    """The times in it, by the names of their fields."""
    return dict(_moments(seen, ""))


def _moments(value: Any, path: str) -> Iterator[tuple[str, datetime | date]]:
    for name in value.__struct_fields__:
        inner = getattr(value, name)
        if isinstance(inner, date):  # a datetime is one, too
            yield f"{path}{name}", inner
        elif isinstance(inner, msgspec.Struct):
            yield from _moments(inner, f"{path}{name}.")


def _order(seen: OrderSeen) -> list[str | None]:
    total = f"{seen.total.amount} {seen.total.currency}" if seen.total else None
    return [
        "cancelled" if seen.cancelled_at else seen.payment,
        "on hold" if seen.on_hold else None,
        f"{Count(len(seen.lines)):line|lines}" if seen.lines else None,
        total,
        (seen.orderer.email or seen.orderer.name) if seen.orderer else None,
    ]


def _shipment(seen: ShipmentSeen) -> list[str | None]:
    stands = "dispatched" if seen.dispatched_at else None
    return [
        "cancelled" if seen.cancelled_at else "dispatch taken back" if seen.reverted else stands,
        seen.carrier or (f"carrier {seen.carrier_name}?" if seen.carrier_name else None),
        f"{sum(one.quantity for one in seen.contents):g} units" if seen.contents else None,
        f"expected {(seen.eta_until or seen.eta_from):%Y-%m-%d}" if seen.eta_until or seen.eta_from else None,
    ]


def _return(seen: ReturnSeen) -> list[str | None]:
    stages = ("declined", "refunded", "received", "approved", "requested")
    amount = f"{seen.amount.amount} {seen.amount.currency}" if seen.amount else None
    return [next((one for one in stages if getattr(seen, f"{one}_at")), None), amount, seen.reason]


def _words(parts: list[str | None]) -> str:
    return ", ".join(part for part in parts if part) or "nothing yet"
