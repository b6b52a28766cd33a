"""LOGILESS's words, times and names of fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels import carriers
from connectors.parts.values import days
from connectors.parts.values.loose import text

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.by_section(MAP)
ZONE = "Asia/Tokyo"

Record = Mapping[str, Any]

_COUNTED = re.compile(r"(?<=[a-z])(?=\d$)")


def field(record: Record, name: str) -> Any:
    """The value of "recipient_name1", which deliveries inside orders call "recipient_name_1"."""
    return record[name] if name in record else record.get(_COUNTED.sub("_", name))


def says(record: Record, section: str, *names: str) -> Mapping[str, str]:
    """The meaning of the first of the fields that holds anything."""
    return meaning(section, next((value for name in names if (value := text(record.get(name)))), None))[0]


def unmapped(record: Record, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The words under these fields that status_map.yaml does not know. `fields`: field -> section."""
    return tuple(raw for name, section in fields.items() for raw in meaning(section, record.get(name))[1])


def when(record: Record, *names: str) -> datetime | None:
    """The first of the moments that is told. They are Japanese time without saying so."""
    return next((at for name in names if (at := days.at(record.get(name), ZONE))), None)


def carrier(method: object) -> tuple[str | None, str | None]:
    """Slug and name of the carrier that a way of delivery means."""
    known = meaning("methods", method)[0]
    name = known.get("name") or text(method)
    slug = known.get("carrier") or carriers.slug(text(method)) or carriers.slug(name)
    return (None if slug == "none" else slug), name


def fetched(method: object) -> bool:
    """Does the customer fetch it, so that nothing travels?"""
    return "fetched" in meaning("methods", method)[0]
