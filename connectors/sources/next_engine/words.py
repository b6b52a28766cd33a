"""Next Engine's codes, times and amounts. Everything comes as text: "50", "5800.00", "0000-00-00 00:00:00"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.values import days
from connectors.parts.values.loose import text

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.by_section(MAP)
ZONE = "Asia/Tokyo"
BASE = "receive_order_"
ROW = "receive_order_row_"

Fields = Mapping[str, Any]

# A slip that was split off carries its order's number and "-bk-" with a count
# (https://manual.next-engine.net/main/orders/ord_denpyo/j-denpyo_koushin/11162/).
_SPLIT_OFF = re.compile(r"(?:-bk-\d+)+$", re.IGNORECASE)


def on(fields: Fields, name: str) -> bool:
    """Is a flag set? They come as "1" and "0"."""
    return text(fields.get(name)) in {"1", "1.0"}


def shops_number(value: object) -> str | None:
    """The order's number as the shop's customer knows it: that of a slip that was split off without its count."""
    written = text(value)
    return (_SPLIT_OFF.sub("", written) or written) if written else None


def split_off(value: object) -> bool:
    """Does the number say that the slip was split off another?"""
    return shops_number(value) != text(value)


def changed(slip: Fields) -> datetime | None:
    """When the slip last changed. `last_modified_date` is empty until somebody changes it."""
    names = ("last_modified_null_safe_date", "last_modified_date", "creation_date")
    return next((at for name in names if (at := days.at(slip.get(BASE + name), ZONE))), None)
