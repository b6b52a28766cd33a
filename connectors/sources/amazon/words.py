"""Amazon's names, statuses, sums and times. Its APIs write the same names in three ways (AmazonOrderId, orderId,
SellerSKU, sellerSku): keys are compared in lower case, statuses without underscores as well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load
from connectors.parts.values.loose import first, money, raw_status, table
from connectors.parts.values.times import moment
from engine.contracts import Delivery
from engine.model.order import Money

MAP = {
    section: {raw.replace("_", ""): fields for raw, fields in entries.items()}
    for section, entries in load(Path(__file__).parent).items()
}
ZONE = "Asia/Tokyo"
Record = Mapping[str, Any]


def lowered(value: Any) -> Any:
    """The same value with every key in lower case."""
    if isinstance(value, dict):
        return {key.lower(): lowered(inner) for key, inner in value.items()}
    return [lowered(inner) for inner in value] if isinstance(value, list) else value


def meaning(section: str, value: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Our fields for a raw status, and the raw status itself when the map does not have it."""
    raw = raw_status(value)
    if raw is None:
        return {}, ()
    fields = MAP[section].get(raw.replace("_", ""))
    return (fields, ()) if fields is not None else ({}, (raw,))


def when(source: Record, *names: str) -> datetime | None:
    """The first of the names that holds a moment; what carries no offset is UTC."""
    return next((at for name in names if (at := moment(source.get(name), "UTC"))), None)


def window(source: Record, name: str) -> Record:
    """A span of time under `name`: {earliestdatetime, latestdatetime}."""
    return table(source.get(name))


def amount(source: Record, name: str) -> Money | None:
    """Money under `name`: {amount, currencycode}."""
    told = table(source.get(name))
    return money(told.get("amount"), told.get("currencycode"))


def order_id(source: Record) -> str | None:
    """The order's id, which is also the number that the buyer sees (3-7-7 digits)."""
    return first(source.get("orderid"), source.get("amazonorderid"))


def zone(delivery: Delivery) -> str:
    """The time zone of promised days."""
    return delivery.config.get("timezone") or ZONE
