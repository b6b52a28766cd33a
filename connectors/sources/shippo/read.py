"""A delivery of Shippo, or an answer of its API -> observations.

https://docs.goshippo.com/docs/tracking/tracking/, schema Track of https://docs.goshippo.com/shippoapi/public-api/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import raw_status, table, text
from connectors.sources.shippo.tracks import track
from engine.contracts import Delivery, Reading, Unreadable

ZONE = "Asia/Tokyo"
WRAPPERS = ("data", "results", "track")
EVENT = "track_updated"


def read(delivery: Delivery) -> Reading:
    """What the delivery says: an event with its track, or a bare track. A track without its state is fetched.

    Raises Unreadable for what is no track.
    """
    body = load(delivery.body)
    event = raw_status(table(body).get("event"))
    if event not in (None, EVENT):
        return Reading(ignored=f"event {event} is not used")
    return each(unwrapped(body, WRAPPERS), lambda record: _record(record, delivery))


def _record(record: Mapping[str, Any], delivery: Delivery) -> Reading:
    number, carrier = text(record.get("tracking_number")), text(record.get("carrier"))
    if number is None:
        raise Unreadable("the track has no tracking_number")
    if carrier and not record.get("tracking_status") and not record.get("tracking_history"):
        return Reading(fetch=(f"tracks/{carrier}/{number}",))
    config = delivery.config
    return track(record, delivery.received_at, config.get("timezone") or ZONE, config.get("order_number"))
