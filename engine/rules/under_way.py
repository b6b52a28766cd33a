"""The parcels of an order that have not come to their end, as a connection may ask its system for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from engine.contracts import Parcel, ShipmentSeen
from engine.model.facts import State
from engine.model.shipment import FINAL, RANK
from engine.rules.fold import Heard
from engine.rules.identify import lookup


def under_way(
    state: State, connection: str, carriers: Collection[str], log: Callable[[], Iterable[Heard]]
) -> list[Parcel]:
    """Those with a tracking number that the connection has told of or whose carrier is among `carriers`. `log` reads
    everything heard about the order, for what the connection itself calls number and carrier; it is called only where
    there is a parcel under way."""
    found = {
        key: Parcel(number=one.number, carrier=one.carrier)
        for key, one in state.facts.shipments.items()
        if one.number and RANK[one.status] < FINAL and one.cancelled_at is None
    }
    for heard in log() if found else ():
        seen = heard.seen
        if heard.connection == connection and isinstance(seen, ShipmentSeen) and seen.carrier_name:
            known = found.get(key := lookup(state.names, connection, seen))
            if known and seen.ref.tracking_number:
                found[key] = replace(known, number=seen.ref.tracking_number, carrier_name=seen.carrier_name)
    return [one for one in found.values() if one.carrier_name or one.carrier in carriers]
