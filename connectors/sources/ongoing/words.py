"""Ongoing's statuses and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load
from connectors.parts.values.loose import first, number, plain, table
from connectors.parts.values.times import moment
from engine.contracts import Delivery

MAP = load(Path(__file__).parent)
ZONE = "Europe/Stockholm"  # where Ongoing is at home; most instances are
LEFT = frozenset({"sent", "sent_in_part", "ready", "collected", "returned"})  # statuses of orders that have left


def zone(delivery: Delivery) -> str:
    """The time zone of the instance."""
    return delivery.config.get("timezone") or ZONE


def status(source: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Our word for the `orderStatus` of an order, and what Ongoing says when the map does not have it: the number,
    with the text that the goods owner has given it."""
    told = table(source.get("orderStatus"))
    found = number(told.get("number"))
    if found is None:
        return None, ()
    raw = plain(found)
    if fields := MAP["orders"].get(raw):
        return fields["status"], ()
    return None, (" ".join(filter(None, (raw, first(told.get("text"))))),)


def when(source: Mapping[str, Any], name: str, local: str) -> datetime | None:
    """The moment under `name`; seven decimals are cut, years of fillers are none."""
    return moment(source.get(name), local)
