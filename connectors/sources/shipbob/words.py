"""ShipBob's statuses, times and wrappers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.values.loose import raw_status, rows, text
from connectors.parts.values.times import moment

MAP = statusmap.load(Path(__file__).parent)
ZONE = "UTC"  # times carry a Z; of those that carry nothing the older versions mean the same

_WRAPPERS = ("data", "payload", "order", "shipment", "return")


def meaning(section: str, value: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Our fields for a raw status ("On Hold", "OnHold", "on_hold"), and the raw status when the map has none."""
    plain = (text(value) or "").replace(" ", "").replace("_", "")
    fields, unmapped = statusmap.meaning(MAP[section], plain)
    return fields, tuple(filter(None, [raw_status(value)])) if unmapped else ()


def when(source: Mapping[str, Any], *keys: str) -> datetime | None:
    """The first of the keys that holds a moment. ShipBob writes seven digits of a second, and year 1 for never."""
    return next((at for key in keys if (at := moment(source.get(key), ZONE))), None)


def latest(source: Mapping[str, Any], *keys: str) -> datetime | None:
    """The newest moment under the keys."""
    return max(filter(None, (when(source, key) for key in keys)), default=None)


def unwrapped(body: Any) -> Iterable[Mapping[str, Any]]:
    """The records of a body: one, a list of them, a page of them, or one inside a wrapper."""
    if isinstance(body, list):
        return rows(body)
    if not isinstance(body, dict):
        return ()
    if isinstance(body.get("items"), list):
        return rows(body["items"])
    for name in _WRAPPERS:
        if isinstance(body.get(name), dict | list) and len(body) <= 3 and "id" not in body:
            return unwrapped(body[name])
    return (body,)
