"""Fulfilments of an order -> parcels, and that they arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import flag, identity, link, quantity, rows, text
from connectors.sources.medusa.words import meaning, when
from engine.contracts import Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import Packed


def parcels(
    order: Mapping[str, Any], as_of: datetime, told: Mapping[str, Any]
) -> tuple[tuple[ShipmentSeen | ScanSeen, ...], tuple[str, ...]]:
    """One parcel for every label of a fulfilment, one without a number where there is none; and the raw statuses
    that the map does not have.

    The first parcel is called by the fulfilment's own id, whatever number it gets later; further ones are "<id>-2",
    "<id>-3". What is in which of several is not known: all of it counts as being in the first, so that nobody takes
    what is still to come for sent. `told`: fulfilment id -> `no_notification`.
    """
    status, unmapped = meaning("fulfillments", order.get("fulfillment_status"))
    all_parcels = rows(order.get("fulfillments"))
    left = sum(max(1, len(_labels(one))) for one in all_parcels if when(one, "shipped_at") and not _gone(one))
    siblings = left or None if status == "complete" else None
    found = [seen for one in all_parcels for seen in _fulfillment(one, order, as_of, siblings, told)]
    return tuple(found), unmapped


def _fulfillment(
    source: Mapping[str, Any], order: Mapping[str, Any], as_of: datetime, siblings: int | None, told: Mapping[str, Any]
) -> list[ShipmentSeen | ScanSeen]:
    own_id = identity(source.get("id"))
    if own_id is None:
        return []
    numbers = _labels(source) or {None: None}
    carrier, carrier_name = _carrier(source, order)
    found: list[ShipmentSeen | ScanSeen] = []
    for place, (number, address) in enumerate(numbers.items()):
        ref = Ref(
            order_id=identity(order.get("id")),
            shipment_id=f"{own_id}-{place + 1}" if place else own_id,
            tracking_number=number,
        )
        found.append(
            ShipmentSeen(
                ref=ref,
                as_of=when(source, "updated_at") or as_of,
                dispatched_at=when(source, "shipped_at"),
                cancelled_at=when(source, "canceled_at"),
                carrier=carrier,
                carrier_name=carrier_name,
                url=address,
                contents=_share(_contents(source), place),
                siblings=siblings,
                silent=flag(told.get(own_id)),
            )
        )
        if arrived := when(source, "delivered_at"):
            found.append(ScanSeen(ref=ref, as_of=arrived, status="delivered", raw_code="delivered"))
    return found


def _share(contents: tuple[Packed, ...] | None, place: int) -> tuple[Packed, ...] | None:
    return () if place and contents is not None else contents


def _gone(source: Mapping[str, Any]) -> bool:
    return when(source, "canceled_at") is not None


def _labels(source: Mapping[str, Any]) -> dict[str | None, str | None]:
    """Tracking numbers, each once and in their order, with their links; an empty link is how the admin writes none."""
    found: dict[str | None, str | None] = {}
    for label in rows(source.get("labels")):
        if number := text(label.get("tracking_number")):
            found.setdefault(number, link(label.get("tracking_url")))
    return found


def _carrier(source: Mapping[str, Any], order: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(slug, name). Medusa knows no carriers: the way of delivery may be called after one, or the fulfilment provider
    be one, whose id is no name for people. What names no carrier that we know says nothing to a customer."""
    methods = rows(order.get("shipping_methods"))
    chosen = [one for one in methods if one.get("shipping_option_id") == source.get("shipping_option_id")] or methods
    for method in chosen:
        name = text(method.get("name"))
        if found := slug(name):
            return found, name
    return slug(text(source.get("provider_id"))), None


def _contents(source: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    packed = tuple(
        Packed(
            quantity=quantity(item.get("quantity")),
            line_id=identity(item.get("line_item_id")),
            sku=text(item.get("sku")),
            name=None if identity(item.get("line_item_id")) else text(item.get("title")),  # of the variant only
        )
        for item in rows(source.get("items"))
        if quantity(item.get("quantity"))
    )
    return packed or None
