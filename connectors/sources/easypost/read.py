"""A delivery of EasyPost, or a record of its API -> observations.

https://docs.easypost.com/docs/events, https://docs.easypost.com/docs/trackers
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import identity, raw_status, table, text
from connectors.sources.easypost.trackers import tracker
from engine.contracts import Delivery, Reading, Unreadable

ZONE = "Asia/Tokyo"
WRAPPERS = ("trackers", "tracker", "events", "event")


def read(delivery: Delivery) -> Reading:
    """What the delivery says: an event with its tracker, a bare tracker, or a recorded list of either.

    An event that comes without its tracker is fetched. Raises Unreadable for what is neither event nor tracker.
    """
    zone = delivery.config.get("timezone") or ZONE
    records = unwrapped(load(delivery.body), WRAPPERS)
    return each(records, lambda record: _record(record, delivery, zone))


def _record(record: Mapping[str, Any], delivery: Delivery, zone: str) -> Reading:
    if "tracking_code" in record or record.get("object") == "Tracker":
        return tracker(record, delivery.received_at, zone)
    topic = text(record.get("description")) or delivery.topic
    if topic is None:
        raise Unreadable("the body is neither an event nor a tracker")
    if not topic.startswith("tracker."):
        return Reading(ignored=f"event {raw_status(topic)} is not used")
    result = table(record.get("result"))
    if result:
        return tracker(result, delivery.received_at, zone)
    if event := identity(record.get("id")):
        return Reading(fetch=(f"events/{event}",))
    raise Unreadable("the event has neither a result nor an id")
