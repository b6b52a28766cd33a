"""Openlogi's words: statuses, times of day, names of a shipment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load
from connectors.parts.talk.asking import asked_at
from connectors.parts.values.days import day
from connectors.parts.values.loose import first, raw_status, text
from connectors.parts.values.slots import NONE, Slot, arrival
from connectors.parts.values.times import moment
from engine.contracts import Delivery

MAP = load(Path(__file__).parent)
ZONE = "Asia/Tokyo"


def when(source: Mapping[str, Any], key: str) -> datetime | None:
    """The moment under the key; one without an offset is Japan's."""
    return moment(source.get(key), ZONE)


def as_of(shipment: Mapping[str, Any], delivery: Delivery) -> datetime:
    """When the shipment stood so: when it was asked for, else when it left, else when it came to us."""
    return asked_at(delivery) or when(shipment, "shipped_at") or delivery.received_at


def order_number(shipment: Mapping[str, Any]) -> str | None:
    """The shop's number of the order; `identifier` is the merchant's own mark, of which one of both must be given."""
    return first(shipment.get("order_no"), shipment.get("identifier"))


def expected(shipment: Mapping[str, Any]) -> Slot:
    """The day on which it is to arrive, by the warehouse, else as wished, at the time of day that was wished."""
    named = day(shipment.get("delivery_day"), ZONE) or day(shipment.get("delivery_date"), ZONE)
    slot = MAP["slots"].get(raw_status(shipment.get("delivery_time_slot")) or "", {}).get("status")
    return arrival(named, slot, ZONE) if named else NONE


def mailed(shipment: Mapping[str, Any]) -> bool | None:
    """Openlogi sends its notice of dispatch to `shipping_email`, and none without it."""
    return text(shipment.get("shipping_email")) is not None if "shipping_email" in shipment else None
