"""RMS's codes, amounts and names of fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels import carriers
from connectors.parts.values import days
from connectors.parts.values.loose import number, rows, table, text, yen
from engine.model.order import Money

MAP = statusmap.load(Path(__file__).parent)
meaning = statusmap.by_section(MAP)
ZONE = "Asia/Tokyo"
UNKNOWN = -9999  # an amount that is not settled yet

Record = Mapping[str, Any]

TIMES = (
    "orderDatetime", "shopOrderCfmDatetime", "orderFixDatetime", "shippingInstDatetime", "shippingCmplRptDatetime",
)  # fmt: skip
CHANGES = ("changeCmplDatetime", "changeFixDatetime", "changeApplyDatetime")


def model(record: Record, name: str) -> Any:
    """The value of "SenderModel", which some programs write "senderModel"."""
    return record[name] if name in record else record.get(name[:1].lower() + name[1:])


def inner(record: Record, name: str) -> Record:
    """An object inside; a list of one counts as the object."""
    value = model(record, name)
    return table(value[0] if isinstance(value, list) and value else value)


def models(record: Record, name: str) -> list[Record]:
    """The objects of a list inside; one object counts as a list of it."""
    value = model(record, name)
    return [value] if isinstance(value, dict) else rows(value)


def when(record: Record, name: str) -> datetime | None:
    """A moment of the order; what carries no offset is Japanese time."""
    return days.at(record.get(name), ZONE)


def price(value: object) -> Money | None:
    """An amount in yen; None for one that is not settled."""
    return None if number(value) == UNKNOWN else yen(value)


def changed(order: Record) -> datetime | None:
    """The latest moment that the order speaks of: RMS does not tell when it last changed."""
    told = [when(order, name) for name in TIMES]
    told += [when(change, name) for change in models(order, "ChangeReasonModelList") for name in CHANGES]
    return max((at for at in told if at), default=None)


def carrier(code: object, name: object) -> tuple[str | None, str | None]:
    """Slug and name of the delivery company."""
    known = meaning("carriers", code)[0]
    written = text(name)
    slug = known.get("carrier") if known.get("carrier") != "none" else None
    return slug or carriers.slug(written), written or known.get("name")
