"""What STORES' API answers -> observations: orders, alone or in a list."""

from __future__ import annotations

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.sources.stores.orders import order
from engine.contracts import Delivery, Reading

ORDER = "order"


def read(delivery: Delivery) -> Reading:
    """What the answer says: {"orders": [...]}, {"order": ...}, or orders without either. Raises Unreadable for a body
    that is not strict JSON or holds no order."""
    records = unwrapped(load(delivery.body), ("orders", "order", "data"))
    if len(records) == 1 and "errors" in records[0] and "id" not in records[0]:
        return Reading(ignored="an error of the API, not an order")
    return each(records, lambda record: order(record, delivery))
