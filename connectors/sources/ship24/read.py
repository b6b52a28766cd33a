"""A delivery of Ship24, or an answer of its API -> observations.

https://docs.ship24.com/webhooks/overview, https://docs.ship24.com/tracking-api-reference (schema Tracking)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import identity, raw_status, table, text
from connectors.sources.ship24.trackings import ZONE, tracking
from engine.contracts import Delivery, Reading

WRAPPERS = ("trackings", "tracking")
TOPIC = "tracking/events"


def read(delivery: Delivery) -> Reading:
    """What the delivery says: one or several trackings, bare, as they are posted, or as the API answers them.

    A tracking without events and shipment is fetched. Raises Unreadable for what is no tracking.
    """
    body = load(delivery.body)
    if isinstance(body, dict) and isinstance(body.get("data"), dict) and "trackings" in body["data"]:
        body = body["data"]
    return each(unwrapped(body, WRAPPERS), lambda record: _record(record, delivery))


def _record(record: Mapping[str, Any], delivery: Delivery) -> Reading:
    topic = text(table(record.get("metadata")).get("topic"))
    if topic not in (None, TOPIC):
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    tracker = identity(table(record.get("tracker")).get("trackerId"))
    if tracker and not record.get("shipment") and not record.get("events"):
        return Reading(fetch=(f"trackers/{tracker}",))
    config = delivery.config
    return tracking(record, delivery.received_at, config.get("timezone") or ZONE, config.get("order_number"))
