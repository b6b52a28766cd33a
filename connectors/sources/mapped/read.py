"""One delivery -> a Reading, as the connection's mapping says. A record that cannot be read costs itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from connectors.parts.values.times import zone_named
from connectors.sources.mapped.convert import text
from connectors.sources.mapped.documents import document, things
from connectors.sources.mapped.expressions import Scope
from connectors.sources.mapped.mapping import Block, mapping_of
from connectors.sources.mapped.orders import order
from connectors.sources.mapped.parcels import scan, shipment
from connectors.sources.mapped.returns import return_
from connectors.sources.mapped.told import Told
from engine.contracts import BadRow, Delivery, Observation, Reading, Routed, Unreadable

POLLED = "polled"  # topic of a record that was asked for: the body is the record itself
MOST_BAD = 1_000
PARTS = {"order": order, "scan": scan, "return": return_}


def read(delivery: Delivery) -> Reading:
    """Return what the delivery says, for each goods owner when the connection routes.

    Raises Unreadable for a mapping or a body that cannot be used, for over 1,000 bad records, and when nothing but
    bad records is in it.
    """
    told = begun(delivery)
    routed = delivery.config.get("route", "no").strip().lower() == "yes"
    found = heard(delivery, told, routed=routed)
    if len(told.bad) > MOST_BAD:
        raise Unreadable(f"over {MOST_BAD} bad records, the first: {_first(told.bad)}")
    if told.bad and not any(found.values()):
        raise Unreadable(f"no record is good, the first: {_first(told.bad)}")
    everything = tuple(chain.from_iterable(found.values()))
    return Reading(
        observations=() if routed else everything,
        routed=tuple(Routed(route=owner, observations=tuple(seen)) for owner, seen in found.items() if seen)
        if routed
        else (),
        bad_rows=tuple(told.bad),
        unmapped=tuple(told.unmapped),
        ignored=None if everything else "the mapping finds nothing in it",
    )


def begun(delivery: Delivery, *, traced: bool = False) -> Told:
    """What a delivery is read with. Raises Unreadable."""
    mapping = mapping_of(delivery.config)
    zone = delivery.config.get("timezone") or mapping.zone
    zone_named(zone)
    return Told(
        mapping=mapping, zone=zone, currency=mapping.currency, received_at=delivery.received_at,
        headers=delivery.headers, traced=traced,
    )  # fmt: skip


def heard(delivery: Delivery, told: Told, *, routed: bool) -> dict[str, list[Observation]]:
    """Observations by owner; everything under "" when the connection does not route."""
    mapping, found = told.mapping, dict[str, list[Observation]]()
    whole, bad = document(delivery, mapping.shape)
    told.bad += bad
    top = Scope(here=whole, document=whole, headers=delivery.headers)
    unnumbered: dict[str, int] = {}
    for block in mapping.records:
        if delivery.topic == POLLED and mapping.poll and block.each != mapping.poll.each:
            continue  # it speaks of other things than those that were asked for
        each = None if delivery.topic == POLLED else block.each
        for number, scope in enumerate(things(block, top, each=each), 1):
            told.number = getattr(scope.here, "number", 0) or number
            owner = text(told.value(block, "owner", scope)) if routed else ""
            if owner is None:
                told.complain(f"{block.path} owner: is empty")
            else:
                found.setdefault(owner, []).extend(_record(told, block, scope, unnumbered))
    return found


def _record(told: Told, block: Block, scope: Scope, unnumbered: dict[str, int]) -> Iterator[Observation]:
    for name, part in block.parts.items():
        for one in things(part, scope, each=part.each):
            if name == "shipment":
                yield from shipment(told, block, scope, part, one, unnumbered)
            else:
                yield from PARTS[name](told, block, scope, part, one)


def _first(bad: list[BadRow]) -> str:
    return f"{bad[0].number}: {bad[0].reason}"
