"""856, the ship notice -> one value. Levels may be stacked in any way, or be missing altogether."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.parts.parcels import gs1
from connectors.parts.parcels.edi import Reader
from connectors.parts.parcels.ship_notice import Goods, Notice, Pack, past, told_at, until
from connectors.parts.values.loose import quantity
from connectors.parts.values.values import When
from connectors.sources.x12.clocks import said, spoken
from connectors.sources.x12.envelope import Transaction
from connectors.sources.x12.levels import Level, levels, packages
from connectors.sources.x12.parties import of_routing, recipient
from connectors.sources.x12.segments import Segment
from engine.contracts import Unreadable
from engine.model.shipment import Packed

WITHDRAWN = frozenset({"01", "03"})  # BSN01: cancellation, delete
SENT, DELIVERED = ("011",), ("035",)  # DTM01: shipped, delivered
EXPECTED = ("017", "067", "371")  # estimated delivery, current schedule delivery, estimated arrival
NUMBERS = (("MAN", "CP"), ("REF", "2I"), ("REF", "08"), ("REF", "CN"))  # what a carrier tracks by, the best first
# The buyer's own numbers before the seller's: the shop that reads is the buyer. "" is what some leave empty.
ARTICLES = ("SK", "IN", "BP", "IB", "VN", "VP", "VA", "UP", "EN", "UK", "UA", "UI", "MG", "")


def notice(told: Transaction, reader: Reader) -> Notice:
    """Raises Unreadable without a BSN, and for one that dates neither itself nor its interchange."""
    head = next((one for one in told.segments if one.id == "BSN"), None)
    if head is None:
        raise Unreadable("the 856 has no BSN")
    zone = reader.zone
    made = said(head[3], head[4], "", zone)
    when = [one for one in (made, told.made) if one]
    if not when:
        raise Unreadable("BSN03 is no date, and its envelope has none")
    named = max(one.day for one in when)
    shipment = levels(told.segments)
    slug, name = of_routing(told.segments)
    return Notice(
        number=head[2] or None,
        told_at=told_at(when, zone, reader.received_at),
        dispatched_at=past(_date(told.segments, SENT, zone) or made, zone, named, reader.received_at),
        delivered_at=past(_date(told.segments, DELIVERED, zone), zone, named, reader.received_at),
        expected=until(_date(told.segments, EXPECTED, zone), zone),
        withdrawn=head[1] in WITHDRAWN,
        carrier=slug,
        carrier_name=name,
        numbers=_numbers(shipment.segments),
        packs=tuple(_packs(shipment, reader)),
    )


def _date(told: Sequence[Segment], qualifiers: Iterable[str], zone: str) -> When | None:
    """The first date of the best qualifier."""
    for qualifier in qualifiers:
        for one in told:
            if one.id == "DTM" and one[1] == qualifier:
                found = said(one[2], one[3], one[4], zone) if one[2] else spoken(one[5], one[6], zone)
                if found:
                    return found
    return None


def _packs(shipment: Level, reader: Reader) -> list[Pack]:
    every = list(shipment.downwards())
    named = {level: _order(level.segments, reader.orders) for level in every}
    homes = {level: recipient(level.segments) for level in every}
    return [
        Pack(
            numbers=_numbers(level.segments) if level is not shipment else (),
            own=_own(level.segments),
            orders=_orders(level, named),
            goods=_goods(level, named),
            recipient=next((home for outer in level.upwards() if (home := homes[outer])), None),
        )
        for level in _parcels(shipment, [level for level in every if level is not shipment])
    ]


def _parcels(shipment: Level, every: Sequence[Level]) -> Sequence[Level]:
    """The levels that travel on their own: packages, orders where only these have a carrier's number, items with a
    number where nothing is packed, else orders, else all there is."""
    packed = packages(shipment)
    orders = [level for level in every if level.kind == "O"]
    if not any(_numbers(level.segments) for level in packed) and any(_numbers(level.segments) for level in orders):
        return orders
    marked = [level for level in every if level.kind == "I" and (_numbers(level.segments) or _own(level.segments))]
    return packed or marked or orders or [shipment]


def _numbers(told: Sequence[Segment]) -> tuple[str, ...]:
    """What a carrier tracks it by: all numbers of the best kind."""
    for segment, qualifier in NUMBERS:
        found = [
            value
            for one in told
            if one.id == segment
            for kind, value in (one.pairs(1) if segment == "MAN" else [(one[1].upper(), one[2])])
            if kind == qualifier and value
        ]
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def _own(told: Sequence[Segment]) -> str | None:
    """The number on the package's GS1 label. What is no SSCC stays as it is written."""
    for one in told:
        if one.id == "MAN":
            for kind, value in one.pairs(1):
                if kind in ("GM", "AA"):
                    return gs1.sscc(value) or value
    return None


def _orders(level: Level, named: Mapping[Level, str | None]) -> tuple[str, ...]:
    """The order that it is in, else those that are in it."""
    for outer in level.upwards():
        if found := named[outer]:
            return (found,)
    return tuple(dict.fromkeys(found for inner in level.downwards() if (found := named[inner])))


def _order(told: Sequence[Segment], wanted: Sequence[str]) -> str | None:
    for name in wanted:
        for one in told:
            if one.id == "PRF" and name == "PRF" and one[1]:
                return one[1]
            if one.id in ("REF", "N9") and one[1].upper() == name and one[2]:
                return one[2]
    return None


def _goods(level: Level, named: Mapping[Level, str | None]) -> tuple[Goods, ...] | None:
    """What is in it. A package inside an item holds all of it, unless others do too: then nobody knows."""
    inside = list(level.downwards())
    if not any(one.id in ("LIN", "SN1") for inner in inside for one in inner.segments):
        item = level.above
        if item is None or item.kind != "I" or len(item.below) > 1:
            return None
        inside = [item]
    return tuple(goods for inner in inside for goods in _items(inner, named))


def _items(level: Level, named: Mapping[Level, str | None]) -> Iterator[Goods]:
    order = next((found for outer in level.upwards() if (found := named[outer])), None)
    groups: list[list[Segment]] = []
    for one in level.segments:
        if one.id == "LIN" or (one.id == "SN1" and not groups):
            groups.append([])
        if groups:
            groups[-1].append(one)
    for group in groups:
        articles: dict[str, str] = {}
        for kind, value in (pair for one in group if one.id == "LIN" for pair in one.pairs(2)):
            articles.setdefault(kind, value)
        sku = next((articles[kind] for kind in ARTICLES if kind in articles), None)
        name = next((one[5] for one in group if one.id == "PID" and one[5]), None)
        units = next((quantity(one[2]) for one in group if one.id == "SN1"), 0)
        if units and (sku or name):
            yield order, Packed(quantity=units, sku=sku, name=name)
