"""The story of each order that the shop tells, and what its customer must hear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

PARCELS = (0, 1, 1, 2)  # how many an order has, by its number: the first kind must have its confirmation
LINES = [{"id": "a", "name": "湯呑", "quantity": 2}]


def parcels(number: int) -> list[str]:
    """Tracking numbers of an order's parcels."""
    return [f"4000-{number:06}-{n}" for n in range(PARCELS[number % len(PARCELS)])]


def address(number: int) -> str:
    """Whom the order's messages go to."""
    return f"naoko{number}@example.com"


def paid(number: int, at: datetime) -> bytes:
    """The order, placed and paid at `at`."""
    return _told({
        "kind": "order", "ref": {"order_id": f"o{number}", "order_number": f"#{number}"}, "as_of": at.isoformat(),
        "placed_at": at.isoformat(), "payment": "paid", "lines": LINES,
        "orderer": {"name": "髙橋 直子", "email": address(number)},
    })  # fmt: skip


def shipped(number: int, tracking: str, at: datetime) -> bytes:
    """One parcel of it, a minute later."""
    at += timedelta(minutes=1)
    ref = {"order_id": f"o{number}", "shipment_id": f"s{tracking}", "tracking_number": tracking}
    return _told({
        "kind": "shipment", "ref": ref, "as_of": at.isoformat(), "dispatched_at": at.isoformat(), "carrier": "yamato",
    })  # fmt: skip


def delivered(number: int, tracking: str, at: datetime) -> bytes:
    """That parcel handed over, two minutes after the order."""
    at += timedelta(minutes=2)
    ref = {"order_id": f"o{number}", "shipment_id": f"s{tracking}", "tracking_number": tracking}
    return _told({"kind": "scan", "ref": ref, "as_of": at.isoformat(), "status": "delivered"})


def story(orders: int) -> Iterator[tuple[int, str, str]]:
    """(order, id of the delivery, tracking number or "" for the order itself), in the order of telling."""
    for number in range(orders):
        yield number, f"paid-{number}", ""
        for tracking in parcels(number):
            yield number, f"ship-{tracking}", tracking


def _told(observation: dict[str, Any]) -> bytes:
    return json.dumps(observation, ensure_ascii=False).encode()
