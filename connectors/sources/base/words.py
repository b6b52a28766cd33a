"""BASE's statuses and settings. Times are unix seconds; days are days in Japan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load, meaning
from connectors.parts.values.loose import raw_status, rows
from connectors.parts.values.times import from_unix

MAP = load(Path(__file__).parent)
ZONE = "Asia/Tokyo"
TRANSACTION = "_payment_transaction"


def status_of(order: Mapping[str, Any]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """What `dispatch_status` says; older answers have none, and show it by their dates."""
    if raw_status(order.get("dispatch_status")):
        return meaning(MAP["orders"], order.get("dispatch_status"))
    for date in ("cancelled", "dispatched"):
        if from_unix(order.get(date)):
            return MAP["orders"][date], ()
    return {}, ()


def item_status(item: Mapping[str, Any]) -> str | None:
    """ "waiting", "sent" or "cancelled"; None when the item has no status, or one that we do not know."""
    return MAP["items"].get(raw_status(item.get("status")) or "", {}).get("status")


def transaction(order: Mapping[str, Any]) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """What the payment's own status says: the order has one object for each means of payment, all but one empty."""
    told = [
        value.get("status")
        for name, value in order.items()
        if name.endswith(TRANSACTION) and isinstance(value, dict) and raw_status(value.get("status"))
    ]
    return meaning(MAP["transactions"], told[0]) if told else ({}, ())


def last_change(order: Mapping[str, Any]) -> datetime | None:
    """When anything in the order last changed."""
    sources = (order, *rows(order.get("order_items")))
    times = [from_unix(source.get("modified")) for source in sources]
    dates = [from_unix(order.get(name)) for name in ("ordered", "dispatched", "cancelled")]
    return max(filter(None, times), default=None) or max(filter(None, dates), default=None)
