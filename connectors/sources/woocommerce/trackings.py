"""Parcels: numbers of the Shipment Tracking extension, else the bare fact that an order is completed.

WooCommerce itself has no parcels. The extension keeps its list in the order's meta data
(`_wc_shipment_tracking_items`), shows it as `shipment_trackings`, and answers it over REST.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import first, identity, link, rows, table, text
from connectors.parts.values.times import from_unix, moment
from connectors.sources.woocommerce.packing import contents
from connectors.sources.woocommerce.words import words, zone
from engine.contracts import Delivery, Reading, Ref, ShipmentSeen, Unreadable

META = "_wc_shipment_tracking_items"
_ORDER_LINK = re.compile(r"/orders/(\d{1,20})/?$")


def parcels(
    order: Mapping[str, Any],
    ref: Ref,
    as_of: datetime,
    shipped_at: datetime | None,
    local: str,
    *,
    partly: bool = False,
) -> tuple[ShipmentSeen, ...]:
    """One parcel per tracking number; a completed order without any (`shipped_at` set) is one parcel.

    The first parcel is named by the order's id, so that a number added after completion is found to be
    the same parcel; further ones are "<order id>-<tracking id>". `partly`: the status says that goods of it are
    still to be sent.
    """
    items = shown(order)
    held = contents(order, items or [{}], whole=shipped_at is not None, partly=partly)
    if not items:
        one = ShipmentSeen(ref=_ref(ref), as_of=as_of, dispatched_at=shipped_at, contents=held[0])
        return (one,) if shipped_at else ()
    complete = len(items) if shipped_at else None
    return tuple(
        replace(_parcel(item, ref, place, as_of, shipped_at, complete, local), contents=packed)
        for place, (item, packed) in enumerate(zip(items, held, strict=True))
    )


def trackings(body: Sequence[Any], delivery: Delivery) -> Reading:
    """The recorded REST list. The order's id stands in each row's link `up`, else in the connection's
    setting `order`. Raises Unreadable when neither names the order."""
    local = zone(delivery)
    places: dict[str, int] = {}
    seen = []
    for item in numbered(body):
        order_id = _order_of(item) or identity(delivery.config.get("order"))
        if order_id is None:
            raise Unreadable("a tracking does not say which order it is of: set `order` to the order's id")
        place = places.get(order_id, 0)
        places[order_id] = place + 1
        as_of = _shipped(item, local) or delivery.received_at
        seen.append(_parcel(item, Ref(order_id=order_id), place, as_of, None, None, local))
    return Reading(observations=tuple(seen), ignored=None if seen else "the list holds no tracking number")


def shown(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The trackings that the order itself carries."""
    listed = numbered(order.get("shipment_trackings"))
    meta = (row.get("value") for row in rows(order.get("meta_data")) if row.get("key") == META)
    return listed or numbered(next(meta, None))


def numbered(items: object) -> list[Mapping[str, Any]]:
    """The rows that hold a tracking number, each number once. PHP makes an object of a list with gaps."""
    if isinstance(items, dict):
        items = list(items.values())
    found = {number: item for item in rows(items) if (number := text(item.get("tracking_number")))}
    return list(found.values())


def _parcel(
    item: Mapping[str, Any],
    ref: Ref,
    place: int,
    as_of: datetime,
    shipped_at: datetime | None,
    siblings: int | None,
    local: str,
) -> ShipmentSeen:
    number = text(item.get("tracking_number"))
    carrier = first(words(item.get("tracking_provider")), words(item.get("custom_tracking_provider")))
    name = first(words(item.get("formatted_tracking_provider")), carrier)
    return ShipmentSeen(
        ref=_ref(ref, number, (identity(item.get("tracking_id")) or number) if place else None),
        as_of=as_of,
        dispatched_at=_left(item, as_of, local) or shipped_at,
        carrier=slug(carrier),
        carrier_name=name,
        url=next(filter(None, (link(item.get(key)) for key in LINKS)), None),
        siblings=siblings,
    )


LINKS = ("tracking_link", "formatted_tracking_link", "custom_tracking_link")


def _ref(ref: Ref, number: str | None = None, suffix: str | None = None) -> Ref:
    shipment_id = f"{ref.order_id}-{suffix}" if suffix else ref.order_id
    return Ref(order_id=ref.order_id, shipment_id=shipment_id, tracking_number=number)


def _left(item: Mapping[str, Any], as_of: datetime, local: str) -> datetime | None:
    """When the parcel left, as known at `as_of`. The extension keeps a day, as its first moment in UTC: today
    may so lie ahead, and is now; a later day is a plan."""
    day = _shipped(item, local)
    if day is None or day <= as_of:
        return day
    written = day.astimezone(UTC if from_unix(item.get("date_shipped")) else ZoneInfo(local)).date()
    return as_of if written <= as_of.astimezone(ZoneInfo(local)).date() else None


def _shipped(item: Mapping[str, Any], local: str) -> datetime | None:
    """`date_shipped` is unix seconds in the meta data and a date over REST."""
    return from_unix(item.get("date_shipped")) or moment(item.get("date_shipped"), local)


def _order_of(item: Mapping[str, Any]) -> str | None:
    for row in rows(table(item.get("_links")).get("up")):
        found = _ORDER_LINK.search(text(row.get("href")) or "")
        if found:
            return found[1]
    return identity(item.get("order_id"))
