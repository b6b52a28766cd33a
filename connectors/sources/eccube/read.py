"""A delivery of EC-CUBE -> what to fetch, or an order that was fetched -> observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, merged, unwrapped
from connectors.parts.values.loose import identity, raw_status
from connectors.sources.eccube.orders import order
from connectors.sources.eccube.verify import CHANGES
from engine.contracts import Delivery, Reading

ORDER = "order"
WRAPPERS = ("data", "orders", "order", "nodes", "edges", "node")

# What a webhook may name that says nothing of an order.
UNUSED = {
    "customer": "members are not followed: an order brings its own names and addresses",
    "product": "products are not followed",
}


def read(delivery: Delivery) -> Reading:
    """What the delivery says. A webhook is an array of {entity, id, action}; an order stands as the API answers it,
    bare or wrapped. Raises Unreadable for a body that is not strict JSON or holds no object."""
    records = unwrapped(load(delivery.body), WRAPPERS)
    if delivery.topic == CHANGES or (delivery.topic != ORDER and any("entity" in one for one in records)):
        return merged(_change(record) for record in records)
    return each(records, lambda record: order(record, delivery))


def _change(record: Mapping[str, Any]) -> Reading:
    entity, number = raw_status(record.get("entity")) or "", identity(record.get("id"))
    if entity != ORDER:
        return Reading(ignored=UNUSED.get(entity) or f"entity {entity} is not used")
    if record.get("action") == "deleted":
        return Reading(ignored="a deleted order is housekeeping: it was cancelled before, or finished long ago")
    if number is None or not (number.isascii() and number.isalnum() and len(number) <= 40):
        return Reading(ignored="an order without a usable id")
    return Reading(fetch=(f"orders/{number}",))
