"""A file of X12 -> observations."""

from __future__ import annotations

from functools import partial
from operator import attrgetter

from connectors.parts.bodies import interchanges
from connectors.parts.parcels import partner_codes, ship_notice
from connectors.parts.values.times import zone_named
from connectors.sources.x12 import status
from connectors.sources.x12.envelope import Reader, Transaction, transactions
from connectors.sources.x12.notice import notice
from connectors.sources.x12.segments import segments
from engine.contracts import Delivery, Reading

ZONE = "America/New_York"
ORDERS = "PRF,PO,CO,ON"


def read(delivery: Delivery) -> Reading:
    """What the transactions say: 856 and 214; others are passed over. One that cannot be read is reported by its place
    in the file, and the others go in. Raises Unreadable for what is no X12 and when nothing in it can be read."""
    config = delivery.config
    zone = config.get("timezone") or ZONE
    zone_named(zone)
    reader = Reader(
        zone=zone,
        orders=interchanges.listed(config.get("order") or ORDERS),
        agreed=partner_codes.agreed(config),
        received_at=delivery.received_at,
    )
    told = transactions(segments(delivery.body), zone)
    using = partial(_one, reader, config.get("tests") == "ignore")
    return interchanges.each(told, using, attrgetter("receiver") if config.get("route") == "yes" else None)


def _one(reader: Reader, no_tests: bool, told: Transaction) -> Reading:
    if told.test and no_tests:
        return Reading(ignored="the interchange is marked as a test")
    unmapped: list[str] = []
    match told.kind:
        case "856":
            found = list(ship_notice.observed(notice(told, reader)))
        case "214":
            found, unmapped = status.observed(told, reader)
        case _:
            return Reading(ignored=f"transaction set {told.kind[:6]} is not used")
    if not found:
        return Reading(ignored=f"the {told.kind} names no parcel or tells nothing")
    return Reading(observations=tuple(found), unmapped=tuple(dict.fromkeys(unmapped)))
