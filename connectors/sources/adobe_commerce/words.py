"""Magento's states, flags and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.values.loose import money, number, plain, rounded
from connectors.parts.values.times import moment
from engine.model.order import Money

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.word_by_section(MAP)


def when(source: Mapping[str, Any], name: str) -> datetime | None:
    """The moment under `name`: UTC that does not say so ("2026-11-20 10:00:00")."""
    return moment(source.get(name), "UTC")


def changed(source: Mapping[str, Any]) -> datetime | None:
    """When the record last changed."""
    return when(source, "updated_at") or when(source, "created_at")


def amount(value: object, currency: object) -> Money | None:
    """Money in the smallest unit of its currency: the database keeps four decimals ("14810.0000" yen)."""
    found = number(value)
    return money(plain(rounded(found, currency)), currency) if found is not None else None


def positive(value: object) -> bool:
    """A number above zero."""
    found = number(value)
    return found is not None and found > 0
