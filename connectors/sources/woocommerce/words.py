"""WooCommerce's statuses, texts and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load
from connectors.parts.values.loose import raw_status, text
from connectors.parts.values.times import moment
from engine.contracts import Delivery

MAP = load(Path(__file__).parent)
ZONE = "Asia/Tokyo"


def zone(delivery: Delivery) -> str:
    """The time zone of the shop, for local times and bare dates."""
    return delivery.config.get("timezone") or ZONE


def slug_of(status: object) -> str | None:
    """The status without the "wc-" that the database has in front of it."""
    raw = raw_status(status)
    return raw.removeprefix("wc-") if raw else None


def words(value: object) -> str | None:
    """A text for people: WordPress stores "Ship Your Idea &ndash; Black", people read the dash."""
    found = text(value)
    return text(unescape(found)) if found else None


def when(source: Mapping[str, Any], name: str, local: str) -> datetime | None:
    """The moment `name` ("date_paid"): its _gmt twin is UTC without saying so, itself local time."""
    return moment(source.get(f"{name}_gmt"), "UTC") or moment(source.get(name), local)
