"""Orders of RMS, one by one or as getOrder answers them -> observations."""

from __future__ import annotations

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import raw_status
from connectors.sources.rakuten.orders import order
from engine.contracts import Delivery, Reading

ORDER = "order"
TOPICS = frozenset({ORDER, "orders", "getorder"})
LIST = "OrderModelList"


def read(delivery: Delivery) -> Reading:
    """What the orders say. The body is an answer of getOrder, a list of orders or one. Raises Unreadable for a body
    that is not strict JSON or holds something else."""
    topic = (delivery.topic or ORDER).strip().lower()
    if topic not in TOPICS:
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    body = load(delivery.body)
    if isinstance(body, dict) and not body.get(LIST) and ("MessageModelList" in body or LIST in body):
        return Reading(ignored="the answer holds no order")
    return each(unwrapped(body, (LIST, "orderModelList", "data")), lambda one: order(one, delivery.received_at))
