"""EDI of any syntax: messages in their envelopes -> one reading. What cannot be read is reported, the others go in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from connectors.parts.bodies.records import merged
from connectors.parts.parcels import partner_codes, ship_notice
from connectors.parts.parcels.ship_notice import Notice
from connectors.parts.values.arrivals import Arrival
from connectors.parts.values.times import zone_named
from connectors.parts.values.values import When
from engine.contracts import BadRow, Delivery, Observation, Reading, Ref, Routed, ShipmentSeen, Unreadable

S = TypeVar("S")  # a segment
Told = tuple[Sequence[Observation], Sequence[str]]  # observations, codes that nobody has mapped


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What the connection says: `orders` are the qualifiers of the order's number, the best first; `agreed` are codes
    of partners. Times without an offset are of `zone`."""

    zone: str
    orders: tuple[str, ...]
    agreed: Mapping[str, Mapping[str, str]]
    received_at: datetime


@dataclass(kw_only=True)
class Message(Generic[S]):
    """A message (transaction set) with what its envelope says. `partner` are the names of its sender, the closest
    first; `made` is when the envelope was. `test` is what it says of itself."""

    kind: str
    partner: tuple[str, ...] = ()
    receiver: str = ""
    made: When | None = None
    test: bool = False
    segments: list[S] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Syntax(Generic[S]):
    """How a file is read. `zone` and `orders` hold where the connection says nothing, `called` is what its messages are
    called. `messages` finds them in a body, `kinds` reads those that are used; both raise Unreadable."""

    called: str
    zone: str
    orders: str
    messages: Callable[[bytes, str], Sequence[Message[S]]]
    kinds: Mapping[str, Callable[[Message[S], Reader], Told]]


def read(syntax: Syntax[S], delivery: Delivery) -> Reading:
    """What the messages say, with `route` each for the merchant of its receiver. One that is Unreadable is a BadRow by
    its place in the file. Raises Unreadable when none can be read."""
    config = delivery.config
    zone = config.get("timezone") or syntax.zone
    zone_named(zone)
    reader = Reader(
        zone=zone,
        orders=_listed(config.get("order") or syntax.orders),
        agreed=partner_codes.agreed(config),
        received_at=delivery.received_at,
    )
    bad: list[BadRow] = []
    found: dict[str, list[Reading]] = {}  # by receiver
    routed = config.get("route") == "yes"
    for number, one in enumerate(syntax.messages(delivery.body, zone), 1):
        try:
            reading = _one(syntax, one, reader, tests=config.get("tests") != "ignore")
        except Unreadable as error:
            bad.append(BadRow(number=number, reason=str(error)))
        else:
            found.setdefault(one.receiver if routed else "", []).append(reading)
    return _together(found, bad, routed=routed)


def _one(syntax: Syntax[S], told: Message[S], reader: Reader, *, tests: bool) -> Reading:
    if told.test and not tests:
        return Reading(ignored="the interchange is marked as a test")
    if told.kind not in syntax.kinds:
        return Reading(ignored=f"{syntax.called} {told.kind[:6]} is not used")
    observations, unmapped = syntax.kinds[told.kind](told, reader)
    if not observations:
        return Reading(ignored=f"the {told.kind} names no parcel or tells nothing")
    return Reading(observations=tuple(observations), unmapped=tuple(dict.fromkeys(unmapped)))


def _together(found: Mapping[str, Sequence[Reading]], bad: Sequence[BadRow], *, routed: bool) -> Reading:
    if not found:
        raise Unreadable(bad[0].reason if bad else "there is no message in it")
    together = merged((one for some in found.values() for one in some), bad_rows=tuple(bad))
    if not routed:
        return together
    told = ((name, merged(some).observations) for name, some in found.items())
    return Reading(
        routed=tuple(Routed(route=name, observations=observations) for name, observations in told if observations),
        bad_rows=together.bad_rows,
        unmapped=together.unmapped,
        ignored=together.ignored,
    )


def _listed(value: str) -> tuple[str, ...]:
    """The qualifiers of a setting: "PRF, PO" has two."""
    return tuple(part for one in value.upper().split(",") if (part := one.strip()))


def noticed(notice: Callable[[Message[S], Reader], Notice]) -> Callable[[Message[S], Reader], Told]:
    """The observations of a kind of message that is read as a ship notice."""
    return lambda told, reader: (list(ship_notice.observed(notice(told, reader))), ())


def on_the_way(
    arrivals: Mapping[Ref, Arrival], as_of: datetime, carrier: str | None, carrier_name: str | None
) -> Iterator[ShipmentSeen]:
    """The parcels of a status message, where it says more of them than their scans: by whom, until when."""
    for ref, (earliest, latest) in arrivals.items():
        if carrier or carrier_name or latest:
            yield ShipmentSeen(
                ref=ref, as_of=as_of, carrier=carrier, carrier_name=carrier_name, eta_from=earliest, eta_until=latest
            )
