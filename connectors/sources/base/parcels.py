"""What has left -> parcels. BASE marks articles as sent, one by one or together, and keeps one number for the order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.days import day
from connectors.parts.values.loose import identity, quantity, rows, text
from connectors.parts.values.slots import arrival
from connectors.parts.values.times import from_unix
from connectors.parts.values.waybills import numbers
from connectors.sources.base.words import ZONE, item_status
from engine.contracts import Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import Packed

Items = Sequence[Mapping[str, Any]]

TOGETHER = timedelta(hours=1)  # articles marked within it left in one parcel: people click one after the other
# Shops without the field wrote the number into the message that goes out with BASE's own mail.
_IN_WORDS = re.compile(
    r"(?:送り状番号|追跡番号|お?問い?合わ?せ番号|伝票番号)[\]】」:：\s]*([0-9A-Za-z][0-9A-Za-z-]{6,30})"
)


def parcels(
    order: Mapping[str, Any], key: str, as_of: datetime, *, shipped: bool, mailed: bool | None
) -> tuple[ShipmentSeen, ...]:
    """The parcels that have left, in their order. The first has the order's key for its id, whatever is sent later; a
    further one is "<key>-<its first article>", and "<key>-n2" is the second number of one parcel. `shipped` is what
    the order's status says: then all of it has left."""
    groups = _groups(order, shipped=shipped)
    carrier, name = _carrier(order)
    start, end = arrival(day(order.get("delivery_date"), ZONE), order.get("delivery_time_zone"), ZONE)
    found = [
        (f"{own_id}-n{count}" if count > 1 else own_id, number, items if len(every) < 2 else None, items)
        for place, items in enumerate(groups)
        for own_id in [f"{key}-{identity(items[0].get('order_item_id')) or place}" if place else key]
        for every in [_numbers(order, items, last=place == len(groups) - 1) or (None,)]
        for count, number in enumerate(every, 1)
    ]
    return tuple(
        ShipmentSeen(
            ref=Ref(order_id=key, shipment_id=shipment_id, tracking_number=number),
            as_of=as_of,
            dispatched_at=_left(order, items, as_of, alone=len(groups) < 2, last=items is groups[-1]),
            carrier=carrier,
            carrier_name=name,
            contents=_contents(packed) if packed else None,
            eta_from=start,
            eta_until=end,
            siblings=len(found) if shipped else None,
            source_notified=mailed,
        )
        for shipment_id, number, packed, items in found
    )


def arrived(order: Mapping[str, Any], key: str, as_of: datetime) -> ScanSeen:
    """後払い決済: BASE hears from the carrier that the parcel has come, and calls the order sent from then on."""
    at = from_unix(order.get("dispatched")) or as_of
    return ScanSeen(ref=Ref(order_id=key, shipment_id=key), as_of=at, status="delivered", raw_code="arrived")


def _groups(order: Mapping[str, Any], *, shipped: bool) -> list[Items]:
    """The articles that have left, those together that were marked within an hour. An order without articles, as the
    list shows it, is one group of nothing."""
    items = rows(order.get("order_items"))
    if shipped:
        sent = [item for item in items if item_status(item) != "cancelled"]
    else:
        sent = [item for item in items if item_status(item) == "sent"]
    if not sent:
        return [[{}]] if shipped else []
    groups: list[list[Mapping[str, Any]]] = [[item for item in sent if _marked(item) is None]]
    before: datetime | None = None
    for at, item in sorted(((at, item) for item in sent if (at := _marked(item))), key=lambda one: one[0]):
        if before and at - before > TOGETHER:
            groups.append([])
        groups[-1].append(item)
        before = at
    return list(groups)


def _marked(item: Mapping[str, Any]) -> datetime | None:
    """When the article was marked as sent. One that is not marked has left with the rest (後払い決済)."""
    return from_unix(item.get("modified")) if item_status(item) == "sent" else None


def _left(order: Mapping[str, Any], items: Items, as_of: datetime, *, alone: bool, last: bool) -> datetime:
    """When the group left. The order's own moment is that of its last parcel."""
    marked = min(filter(None, map(_marked, items)), default=None)
    told = from_unix(order.get("dispatched"))
    if alone:
        return told or marked or as_of
    return told if told and last and marked and abs(told - marked) <= TOGETHER else marked or as_of


def _numbers(order: Mapping[str, Any], items: Items, *, last: bool) -> tuple[str, ...]:
    """The group's own numbers where articles have them, else the order's, which is that of its last parcel."""
    own = numbers([item.get("tracking_number") for item in items])
    if own or not last:
        return own
    if told := numbers(order.get("tracking_number")):
        return told
    written = _IN_WORDS.search(text(order.get("add_comment")) or "")
    return numbers(written[1]) if written else ()


def _carrier(order: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The carrier by the name that GET delivery_companies gives its id; a poll writes it into the order. Without an id,
    the means of delivery that the shop has called after a carrier."""
    if named := text(order.get("delivery_company")):
        return slug(named), named
    method = text(order.get("shipping_method"))
    if identity(order.get("delivery_company_id")) is None and slug(method):
        return slug(method), method
    return None, None


def _contents(items: Items) -> tuple[Packed, ...] | None:
    packed = tuple(
        Packed(quantity=quantity(item.get("amount")), line_id=line_id, name=text(item.get("title")))
        for item in items
        if (line_id := identity(item.get("order_item_id")))
    )
    return packed or None
