"""One event of EPCIS as a value: what, when, where and why, with GS1's words cut down to their last part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.parts.parcels.gs1 import document_number, gtin, sscc
from connectors.parts.values.loose import quantity, raw_status, rows, table, text
from connectors.parts.values.times import moment
from connectors.sources.epcis.documents import kind_of
from engine.contracts import Unreadable
from engine.model.order import Quantity
from engine.model.shipment import Packed

_FAMILY = re.compile(r"^(?:bizstep|disp|btt|er|sdt)-", re.IGNORECASE)
PIECES = frozenset({None, "ea", "pce", "h87", "c62"})  # units of measure that count pieces


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """The event was declared to be in error: since when, and which events stand for it."""

    at: datetime
    instead: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Event:
    """`step` and `disposition` are short ("shipping"); `parcels` are SSCC; `documents` are (type, number)."""

    at: datetime  # when it happened
    told_at: datetime  # when it was recorded or told, where that shows
    id: str | None
    kind: str | None
    step: str | None
    disposition: str | None
    action: str | None
    parcels: tuple[str, ...]
    contents: tuple[Packed, ...]
    documents: tuple[tuple[str, str], ...]
    places: tuple[str, ...]
    owners: tuple[str, ...]
    wrong: Wrong | None

    def document(self, *types: str) -> tuple[str, ...]:
        """The numbers of the documents of these types, each once."""
        return tuple(dict.fromkeys(number for kind, number in self.documents if kind in types))


def event(source: Mapping[str, Any], zone: str, made: datetime | None) -> Event:
    """`made` is when its document was. Raises Unreadable without an intelligible eventTime."""
    at = _time(source.get("eventTime"), source.get("eventTimeZoneOffset"), zone)
    if at is None:
        raise Unreadable("eventTime is missing or is no time")
    told_at = max(at, _time(source.get("recordTime"), None, zone) or made or at)
    return Event(
        at=at,
        told_at=told_at,
        id=text(source.get("eventID")),
        kind=kind_of(source),
        step=short(source.get("bizStep")),
        disposition=short(source.get("disposition")),
        action=(text(source.get("action")) or "").upper() or None,
        parcels=_parcels(source),
        contents=_contents(source),
        documents=_documents(source),
        places=tuple(filter(None, (_id(source.get("bizLocation")), _id(source.get("readPoint"))))),
        owners=_owners(source),
        wrong=_wrong(table(source.get("errorDeclaration")), zone, told_at),
    )


def short(value: object) -> str | None:
    """ "shipping" of "urn:epcglobal:cbv:bizstep:shipping", "https://ref.gs1.org/cbv/BizStep-shipping" and itself."""
    told = text(_id(value)) or ""
    return raw_status(_FAMILY.sub("", re.split(r"[:/#]", told.rstrip("/"))[-1]))


def _id(value: object) -> str | None:
    return text(value.get("id") or value.get("@id")) if isinstance(value, dict) else text(value)


def _time(value: object, offset: object, zone: str) -> datetime | None:
    """The offset beside the time is the local clock; it also serves a time that carries none of its own."""
    told, beside = text(value), text(offset)
    return moment(told) or (moment(f"{told}{beside}") if beside else None) or moment(told, zone)


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [found for one in listed if (found := _id(one))]


def _parcels(source: Mapping[str, Any]) -> tuple[str, ...]:
    """Parcels among the objects; the parent counts when there are none, else it is the pallet below them."""
    objects = [*_texts(source.get("epcList")), *_texts(source.get("childEPCs"))]
    found = dict.fromkeys(number for one in objects if (number := sscc(one)))
    parent = sscc(_id(source.get("parentID")))
    return tuple(found) or ((parent,) if parent else ())


def _contents(source: Mapping[str, Any]) -> tuple[Packed, ...]:
    """Articles by their number: one of each serial number, and the quantities that count pieces."""
    units: dict[str, Quantity] = {}
    for one in (*_texts(source.get("epcList")), *_texts(source.get("childEPCs"))):
        if article := gtin(one):
            units[article] = units.get(article, 0) + 1
    for row in (*rows(source.get("quantityList")), *rows(source.get("childQuantityList"))):
        article = gtin(text(row.get("epcClass")))
        if article and raw_status(row.get("uom")) in PIECES:
            units[article] = units.get(article, 0) + quantity(row.get("quantity"))
    return tuple(Packed(quantity=told, sku=article) for article, told in units.items() if told)


def _documents(source: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    told = source.get("bizTransactionList")
    found = []
    for row in told if isinstance(told, list) else [told]:
        if isinstance(row, dict):
            kind, written = short(row.get("type")), text(row.get("bizTransaction")) or _id(row)
        else:
            kind, written = None, text(row)
        if number := document_number(written):
            found.append((kind or _guess(written), number))
    return tuple(found)


def _guess(written: str | None) -> str:
    """The type that an untyped document shows in its address: ".../po/4711"."""
    parts = (written or "").lower().split("/")
    return next((kind for kind in ("po", "desadv", "rma") if kind in parts), "")


def _owners(source: Mapping[str, Any]) -> tuple[str, ...]:
    """Whose goods they are: the owning party that they leave, by the last part of its URN ("4012345.00225") or link."""
    told = [(short(row.get("type")), document_number(_id(row.get("source")))) for row in rows(source.get("sourceList"))]
    ranked = [name for kind in ("owning_party", "possessing_party") for one, name in told if one == kind and name]
    return tuple(dict.fromkeys(ranked))


def _wrong(declared: Mapping[str, Any], zone: str, told_at: datetime) -> Wrong | None:
    if not declared:
        return None
    return Wrong(
        at=max(_time(declared.get("declarationTime"), None, zone) or told_at, told_at),
        instead=tuple(_texts(declared.get("correctiveEventIDs")) if declared.get("correctiveEventIDs") else ()),
    )
