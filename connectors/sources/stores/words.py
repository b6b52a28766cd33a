"""STORES' words, times and the mails that it sends itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load
from connectors.parts.talk.asking import asked_at
from connectors.parts.values.loose import identity, raw_status, rows, table, text
from connectors.parts.values.times import moment
from engine.contracts import Delivery

MAP = load(Path(__file__).parent)
ZONE = "Asia/Tokyo"


def when(source: Mapping[str, Any], key: str) -> datetime | None:
    """The moment under the key; STORES writes an offset, and its documentation examples none."""
    return moment(source.get(key), ZONE)


def kind(delivery: Mapping[str, Any]) -> str | None:
    """ "parcel", "handed_over" or "none"; a kind that we do not know is a parcel when it has an address to go to."""
    known = MAP["deliveries"].get(raw_status(delivery.get("type")) or "", {}).get("status")
    if known is None and (table(delivery.get("shipping_address")) or text(delivery.get("tracking_number"))):
        return "parcel"
    return known


def unknown_kinds(order: Mapping[str, Any]) -> tuple[str, ...]:
    """Types of delivery that the map does not have; "unknown" is STORES' own word for them."""
    found = (raw_status(one.get("type")) for one in rows(order.get("deliveries")))
    return tuple(dict.fromkeys(raw for raw in found if raw and raw != "unknown" and raw not in MAP["deliveries"]))


def moments(order: Mapping[str, Any]) -> Iterator[datetime]:
    """Every moment that the order tells."""
    for source, keys in (
        (order, ("ordered_at", "readied_at")),
        *((one, ("paid_at",)) for one in rows(order.get("transactions"))),
        *((one, ("shipped_at", "canceled_at")) for one in rows(order.get("deliveries"))),
    ):
        yield from filter(None, (when(source, key) for key in keys))


def as_of(order: Mapping[str, Any], delivery: Delivery) -> datetime:
    """When the order stood so: when it was asked for, else the last moment that it tells."""
    return asked_at(delivery) or max(moments(order), default=delivery.received_at)


def is_finished(one: Mapping[str, Any]) -> bool:
    """Was the delivery sent, handed over or cancelled?"""
    return when(one, "shipped_at") is not None or when(one, "canceled_at") is not None


def named(order: Mapping[str, Any]) -> str | None:
    """The order's id."""
    return identity(order.get("id"))
