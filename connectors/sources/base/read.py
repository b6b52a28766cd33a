"""What BASE's API answers -> observations: an order, or the list of them."""

from __future__ import annotations

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.sources.base.orders import order
from engine.contracts import Delivery, Reading

ORDER = "order"


def read(delivery: Delivery) -> Reading:
    """What the answer says: {"order": ...}, {"orders": [...]}, or orders without either. Raises Unreadable for a body
    that is not strict JSON or holds no order."""
    records = unwrapped(load(delivery.body), ("orders", "order"))
    if len(records) == 1 and "error" in records[0] and "unique_key" not in records[0]:
        return Reading(ignored="an error of the API, not an order")
    return each(records, lambda record: order(record, delivery))
