"""A delivery of EPCIS events -> observations."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.parts.values.times import moment, zone_named
from connectors.sources.epcis import documents
from connectors.sources.epcis.events import Event, event
from connectors.sources.epcis.told import Partner, observed, unmapped
from engine.contracts import BadRow, Delivery, Observation, Reading, Routed, Unreadable

ZONE = "UTC"
NOTHING = "no event in it speaks of a parcel, an order or a return"


def read(delivery: Delivery) -> Reading:
    """What the events say. One without a time is reported, the others go in. Raises Unreadable for a document that
    holds no event that can be read."""
    config = delivery.config
    zone = config.get("timezone") or ZONE
    zone_named(zone)
    told: list[Event] = []
    bad: list[BadRow] = []
    listed, creation = documents.events(delivery.body)
    made = moment(creation, zone)
    for number, source in enumerate(listed, 1):
        try:
            told.append(event(source, zone, min(made, delivery.received_at) if made else None))
        except Unreadable as error:
            bad.append(BadRow(number=number, reason=str(error)))
    if bad and not told:
        raise Unreadable(f"no event can be read, the first: {bad[0].reason}")
    found = list(observed(told, _partner(config)))
    plain: tuple[Observation, ...] = tuple(dict.fromkeys(one for _, one in found))
    routed: tuple[Routed, ...] = ()
    if config.get("route", "no").strip().lower() == "yes":
        owners: dict[str, list[Observation]] = {}
        for happened, one in found:
            owners.setdefault(happened.owners[0] if happened.owners else "", []).append(one)
        plain = ()
        routed = tuple(Routed(route=owner, observations=tuple(dict.fromkeys(some))) for owner, some in owners.items())
    return Reading(
        observations=plain,
        routed=routed,
        bad_rows=tuple(bad),
        unmapped=unmapped(told),
        ignored=None if found else NOTHING,
    )


def _partner(config: Mapping[str, str]) -> Partner:
    def listed(name: str) -> tuple[str, ...]:
        return tuple(part for one in config.get(name, "").split(",") if (part := one.strip()))

    return Partner(orders=listed("order_type") or Partner.orders, warehouses=listed("warehouses"))
