"""EC-CUBE's statuses, times and settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies.statusmap import load
from connectors.parts.values.loose import identity, money, raw_status, rows, table, text, yen
from connectors.parts.values.times import moment
from engine.contracts import Delivery
from engine.model.order import Money

MAP = load(Path(__file__).parent)
ZONE = "Asia/Tokyo"
CURRENCY = "JPY"


def zone(delivery: Delivery) -> str:
    """The shop's time zone: a day of delivery is a day there."""
    return delivery.config.get("timezone") or ZONE


def when(source: Mapping[str, Any], *keys: str) -> datetime | None:
    """The first of the keys that holds a moment. The API answers in UTC with an offset, whatever the shop's zone:
    https://doc4.ec-cube.net/plugin_api (update_shipped); one without an offset is taken for UTC too."""
    return next((at for key in keys if (at := moment(source.get(key), "UTC"))), None)


def last_change(order: Mapping[str, Any]) -> datetime | None:
    """The last change of anything in it: a parcel that gets its number, a mail that is sent, leave the order's own
    update_date as it was."""
    parts = [*rows(order.get("Shippings")), *rows(order.get("MailHistories"))]
    times = [when(part, "update_date", "send_date", "create_date") for part in parts]
    return max(filter(None, [*times, when(order, "update_date", "create_date")]), default=None)


def amount(value: object, currency: object) -> Money | None:
    """Money; yen are whole, also where the database says "3240.00"."""
    return yen(value) if text(currency) == CURRENCY else money(value, currency)


def reference(value: object) -> tuple[str | None, str | None]:
    """Id and name of a row of a master table: {"id": "5", "name": "発送済み"}, or the bare id."""
    row = table(value)
    if row:
        return identity(row.get("id")), text(row.get("name"))
    return identity(value), None


def meaning(section: str, value: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Our fields for a row of a master table, by its id, else by its name, and what is not in the map. A status of the
    shop's own is told by its name: ids from 10 on mean something else in every shop."""
    number, name = reference(value)
    known = MAP[section]
    for raw in (raw_status(number), raw_status(name)):
        if raw is not None and raw in known:
            return known[raw], ()
    told = raw_status(name) or raw_status(number)
    return {}, (told,) if told else ()


def hint(section: str, value: object) -> str | None:
    """The meaning of the first word of the section that is in the text."""
    written = (text(value) or "").lower()
    return next((fields["status"] for word, fields in MAP[section].items() if word in written), None)
