"""A delivery of AfterShip, or a record of its API -> observations.

https://www.aftership.com/docs/tracking/webhook/webhook-overview, .../model/tracking
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import identity, raw_status, table, text
from connectors.sources.aftership.trackings import tracking
from engine.contracts import Delivery, Reading, Unreadable

ZONE = "Asia/Tokyo"
EVENTS = frozenset({"tracking_update", "tracking_pending_time", "edd_revise"})
WRAPPERS = ("data", "trackings", "tracking", "msg")


def read(delivery: Delivery) -> Reading:
    """What the delivery says: an event with its tracking, a bare tracking, or a recorded answer of the API.

    A tracking without its state is fetched. Raises Unreadable for what is no tracking.
    """
    body = load(delivery.body)
    event = text(table(body).get("event"))
    if event is not None and event not in EVENTS:
        return Reading(ignored=f"event {raw_status(event)} is not used")
    zone = delivery.config.get("timezone") or ZONE
    return each(unwrapped(body, WRAPPERS), lambda record: _record(record, delivery, zone))


def _record(record: Mapping[str, Any], delivery: Delivery, zone: str) -> Reading:
    name = identity(record.get("id"))
    number = text(record.get("tracking_number"))
    if not (name or number):
        raise Unreadable("the tracking has neither id nor tracking_number")
    if name and not (record.get("tag") or record.get("checkpoints") or number):
        return Reading(fetch=(f"trackings/{name}",))
    return tracking(record, delivery.received_at, zone)
