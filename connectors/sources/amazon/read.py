"""A delivery of Amazon -> observations, or what has to be fetched."""

from __future__ import annotations

from connectors.parts.bodies.records import each
from connectors.parts.values.loose import rows, table
from connectors.sources.amazon.envelope import opened
from connectors.sources.amazon.notices import notice
from connectors.sources.amazon.orders import order
from connectors.sources.amazon.words import Record, order_id
from engine.contracts import Delivery, Reading, Unreadable


def read(delivery: Delivery) -> Reading:
    """What the delivery says: notifications, alone or as a queue wraps them, or answers of the Orders API of either
    version ({"order": ...}, {"orders": [...]}, {"payload": {...}}). Raises Unreadable for anything else."""
    records = opened(delivery.body)
    if not records:
        raise Unreadable("the body is neither a notification nor an order of Amazon")
    found = [inner for one in records for inner in _orders(one)]
    return each(found, lambda one: _one(one, delivery)) if found else Reading(ignored="the list holds no order")


def _one(source: Record, delivery: Delivery) -> Reading:
    if "notificationtype" in source:
        return notice(source, delivery)
    if order_id(source) is not None:
        return order(source, delivery)
    raise Unreadable("the body is neither a notification nor an order of Amazon")


def _orders(source: Record) -> list[Record]:
    """The orders of an answer, or the record itself. Items that the older API answers apart stand beside the order."""
    if "notificationtype" in source:
        return [source]
    told = table(source.get("payload")) or source
    if isinstance(told.get("orders"), list):
        return rows(told["orders"])
    if isinstance(told.get("order"), dict):
        items = told.get("orderitems")
        return [{**told["order"], "orderitems": items} if isinstance(items, list) else told["order"]]
    return [told]
