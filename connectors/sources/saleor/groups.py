"""Fulfilments: Saleor calls every group of units with one fate a fulfilment, returns and refunds too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.parts.values.loose import first, identity, quantity, raw_status, rows, table, text
from connectors.sources.saleor.telling import Telling, meaning
from engine.model.order import Quantity
from engine.model.shipment import Packed

BACK = frozenset({"returned", "refunded", "returned_and_refunded"})


def groups(telling: Telling) -> list[Mapping[str, Any]]:
    """The order's fulfilments; the one that the event is about, marked by "told", with what the event says of it."""
    listed = enumerate(rows(telling.order.get("fulfillments")), 1)
    known: list[Mapping[str, Any]] = [{**one, "id": _name(one, telling, place)} for place, one in listed]
    own = {key: value for key, value in telling.group.items() if value is not None}
    if own:
        place = _place(own, known)
        if place is None:
            known.append({**own, "told": True})
        else:
            known[place] = {**known[place], **own, "told": True}
    return [one if text(one.get("status")) else {**one, "status": _state(one, telling)} for one in known]


def _name(group: Mapping[str, Any], telling: Telling, place: int) -> str | None:
    """Its id; where a shop's own query asks for none, the order's name and the place in it, as people call it."""
    order = identity(telling.order.get("number")) or identity(telling.order.get("id"))
    return identity(group.get("id")) or (f"{order}-{text(group.get('fulfillment_order')) or place}" if order else None)


def _place(own: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> int | None:
    """Where the event's fulfilment stands among those of the order."""
    for key in ("id", "fulfillment_order", "tracking_number"):
        told = text(own.get(key))
        found = [place for place, one in enumerate(known) if told and text(one.get(key)) == told]
        if found or (told and key == "id"):
            return found[0] if found else None
    return 0 if len(known) == 1 else None


def _state(group: Mapping[str, Any], telling: Telling) -> str | None:
    """What the event or the order's own state says of a fulfilment whose state nobody asked for."""
    if group.get("told") and telling.topic in _BY_TOPIC:
        return _BY_TOPIC[telling.topic]
    return "fulfilled" if raw_status(telling.order.get("status")) in _SENT else None


_SENT = frozenset({"fulfilled", "partially_fulfilled", "partially fulfilled"})
_BY_TOPIC = {
    "fulfillment_created": "fulfilled",  # not sent for what waits for approval
    "fulfillment_approved": "fulfilled",
    "fulfillment_tracking_number_updated": "fulfilled",
    "fulfillment_canceled": "canceled",
}


def fate(group: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """What became of the group's units; None for a state that we do not know, and which one it is."""
    fields, unmapped = meaning("fulfillments", group.get("status"))
    return fields.get("status"), unmapped


def contents(group: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    """What is in it; the older payloads name no line of the order, only the article."""
    packed = []
    for row in rows(group.get("lines")):
        article = {**row, **table(row.get("order_line"))}
        line_id = identity(table(row.get("order_line")).get("id"))
        units, sku = quantity(row.get("quantity")), text(article.get("product_sku"))
        if units and (line_id or sku):
            name = first(article.get("translated_product_name"), article.get("product_name"))
            packed.append(Packed(quantity=units, line_id=line_id, sku=sku, name=name))
    return tuple(packed) or None


def units_of(among: Sequence[Mapping[str, Any]]) -> dict[str, Quantity]:
    """Line id -> units in these groups."""
    units: dict[str, Quantity] = {}
    for group in among:
        for packed in contents(group) or ():
            if packed.line_id:
                units[packed.line_id] = units.get(packed.line_id, 0) + packed.quantity
    return units
