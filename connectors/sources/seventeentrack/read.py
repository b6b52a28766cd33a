"""A delivery of 17TRACK, or an answer of its API -> observations.

https://asset.17track.net/api/document/v2.4_en/index.html; version 2.2 has the same shape with fewer fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import raw_status, table, text
from connectors.sources.seventeentrack.trackings import ZONE, tracking
from engine.contracts import Delivery, Reading, Unreadable

__all__ = ["ZONE", "read"]
WRAPPERS = ("data", "accepted")
EVENTS = {
    "tracking_updated": None,
    "tracking_stopped": "17TRACK has stopped following this number: nothing new about the parcel",
}


def read(delivery: Delivery) -> Reading:
    """What the delivery says: an event with its number, or a recorded answer of `gettrackinfo`.

    A number without its history is fetched. Raises Unreadable for what names no number.
    """
    body = load(delivery.body)
    event = raw_status(table(body).get("event"))
    if event is not None and event not in EVENTS:
        return Reading(ignored=f"event {event} is not used")
    if event and (nothing := EVENTS[event]):
        return Reading(ignored=nothing)
    return each(unwrapped(body, WRAPPERS), lambda record: _record(record, delivery))


def _record(record: Mapping[str, Any], delivery: Delivery) -> Reading:
    number = text(record.get("number"))
    if number is None:
        raise Unreadable("the tracking has no number")
    if record.get("track") and not record.get("track_info"):
        return Reading(ignored="version 1 of the API is not read: choose version 2.2 or 2.4 at 17TRACK")
    if not table(record.get("track_info")):
        return Reading(fetch=(f"trackings/{text(record.get('carrier')) or 0}/{number}",))
    zone = delivery.config.get("timezone") or ZONE
    return tracking(record, delivery.received_at, zone, delivery.config.get("order_number"))
