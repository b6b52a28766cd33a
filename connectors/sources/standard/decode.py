"""JSON data -> one observation: strict about shapes, forgiving about spelling.

Integrators send ids as numbers, times without an offset, null for "not known", and carriers as people
call them. All that has one meaning and is taken; what has none is refused with its JSON path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import inspect

from connectors.parts.bodies.tables import load_table
from connectors.parts.parcels import carriers
from connectors.parts.values.loose import link
from connectors.parts.values.times import from_unix, moment, zone_named
from engine.contracts import (
    Observation,
    OrderSeen,
    Receipt,
    ReceiptStatus,
    ReturnSeen,
    ScanSeen,
    ShipmentSeen,
    Unreadable,
)
from engine.model.order import Money

KINDS: Mapping[str, type[Observation]] = {
    "order": OrderSeen,
    "shipment": ShipmentSeen,
    "scan": ScanSeen,
    "return": ReturnSeen,
}
RECEIPT_STATUSES = frozenset(get_args(ReceiptStatus))
LINKS = ("url", "image_url")  # other schemes than http(s) are left out: they would end up in a page
LONGEST_RAW = 64  # of a status we do not know, kept for the operator to map


@cache
def words() -> dict[str, Any]:
    """The tables of status_map.yaml."""
    return load_table(Path(__file__).with_name("status_map.yaml"))


@dataclass(frozen=True)
class Decoder:
    """`zone` is assumed for times without an offset; raw words nobody has mapped gather in `unmapped`."""

    zone: str
    unmapped: list[str] = field(default_factory=list)

    def observation(self, kind: str, data: Mapping[str, Any], path: str) -> Observation:
        """Return the observation of that kind. Raises Unreadable naming the path of what is wrong."""
        cls = KINDS[kind]
        plain = self._ease(dict(data), _shape(cls), path, "")
        if cls is ScanSeen and plain.get("status") != data.get("status"):
            plain.setdefault("raw_code", str(data.get("status"))[:LONGEST_RAW])
        if cls is ShipmentSeen and isinstance(plain.get("carrier"), str):
            plain.setdefault("carrier_name", plain["carrier"])
            plain["carrier"] = carriers.slug(plain["carrier"])
        if cls is OrderSeen:
            for line in plain.get("lines", ()):  # an integration that counts no lines knows its articles by sku
                line.setdefault("id", line.get("sku") or line.get("name"))
        try:
            return msgspec.convert(plain, cls, strict=False)
        except msgspec.ValidationError as error:
            raise Unreadable(_located(str(error), path)) from None

    def receipt(self, data: Mapping[str, Any], path: str) -> Receipt | None:
        """Return the receipt of one of our messages, None when nobody has mapped its status. Raises Unreadable
        naming the path of what is wrong."""
        said = {name: data[name] for name in Receipt.__struct_fields__ if data.get(name) not in (None, "")}
        word = re.sub(r"[\s-]+", "_", str(said.get("status", "")).strip().lower())
        said["status"] = words()["receipt"].get(word, word)
        if said["status"] not in RECEIPT_STATUSES:
            self.unmapped.append(word[:LONGEST_RAW])
            return None
        try:
            return msgspec.convert({**said, "as_of": self.moment(said["as_of"], f"{path}.as_of")}, Receipt)
        except msgspec.ValidationError as error:
            raise Unreadable(_located(str(error), path)) from None

    def _ease(self, value: Any, shape: inspect.Type, path: str, name: str) -> Any:
        match shape:
            case inspect.UnionType():
                said = [one for one in shape.types if not isinstance(one, inspect.NoneType)]
                return self._ease(value, said[0], path, name) if len(said) == 1 else value
            case inspect.StructType():
                return self._struct(value, shape, path)
            case inspect.VarTupleType():
                if not isinstance(value, list):
                    raise Unreadable(f"{path}: expected an array")
                of = shape.item_type
                return [self._ease(one, of, f"{path}[{at}]", name) for at, one in enumerate(value)]
            case inspect.StrType():
                return link(value) if name in LINKS else _text(value)
            case inspect.DateTimeType():
                return self.moment(value, path)
            case inspect.DateType():
                return self._day(value, path)
            case inspect.LiteralType():
                return self._word(value, shape, path, name)
        return value

    def _struct(self, value: Any, shape: inspect.StructType, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unreadable(f"{path}: expected an object")
        eased = {
            one.name: self._ease(value[one.name], one.type, f"{path}.{one.name}", one.name)
            for one in shape.fields
            if value.get(one.name) not in (None, "")
        }
        if shape.cls is Money and not _is_amount(eased.get("amount", "0")):
            raise Unreadable(f'{path}.amount: expected a decimal number as text, as "8800" or "12.50"')
        return {name: said for name, said in eased.items() if said is not None}

    def moment(self, value: Any, path: str) -> datetime:
        """Return the aware moment. Raises Unreadable for what is neither ISO 8601 nor unix seconds."""
        if isinstance(value, datetime):
            return value
        at = moment(value, self.zone) or from_unix(value)
        if at is None:
            raise Unreadable(f"{path}: expected a time, as 2026-11-24T10:00:00+09:00")
        return at

    def _day(self, value: Any, path: str) -> date:
        return self.moment(value, path).astimezone(zone_named(self.zone)).date()

    def _word(self, value: Any, shape: inspect.LiteralType, path: str, name: str) -> Any:
        if not isinstance(value, str):
            raise Unreadable(f"{path}: expected a text")
        word = re.sub(r"[\s-]+", "_", value.strip().lower())
        word = words().get(name, {}).get(word, word)
        if word in shape.values:
            return word
        self.unmapped.append(value[:LONGEST_RAW])
        return "unknown" if "unknown" in shape.values else None


@cache
def _shape(cls: type[Observation]) -> inspect.Type:
    return inspect.type_info(cls)


def _text(value: Any) -> Any:
    """Ids, telephone numbers and amounts come as numbers too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _is_amount(text: Any) -> bool:
    try:
        return Decimal(text).is_finite()
    except (InvalidOperation, TypeError, ValueError):
        return False


def _located(message: str, path: str) -> str:
    """msgspec says "Expected `str`, got `array` - at `$.lines[0].name`"; the body's own path comes first."""
    fault, _, place = message.partition(" - at `")
    return f"{path}{place.rstrip('`').removeprefix('$')}: {fault[0].lower()}{fault[1:]}"
