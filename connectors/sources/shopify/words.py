"""Shopify's words and amounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.values.loose import identity, money, table
from connectors.parts.values.times import moment
from engine.contracts import Unreadable
from engine.model.order import Money

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.by_section(MAP)


def amount(source: Mapping[str, Any], key: str, currency: object = None) -> Money | None:
    """The amount under `key` as the customer saw it: presentment money, else the shop's own."""
    both = table(source.get(f"{key}_set"))
    for kind in ("presentment_money", "shop_money"):
        one = table(both.get(kind))
        if found := money(one.get("amount"), one.get("currency_code")):
            return found
    return money(source.get(key), currency)


def named(source: Mapping[str, Any], key: str, what: str) -> str:
    """The id under `key`. Raises Unreadable when there is none."""
    found = identity(source.get(key))
    if found is None:
        raise Unreadable(f"the {what} has no {key}")
    return found


def first_moment(source: Mapping[str, Any], *keys: str) -> datetime | None:
    """The first of the keys that holds a moment; Shopify's times carry an offset."""
    return next((at for key in keys if (at := moment(source.get(key)))), None)
