"""DESADV, the despatch advice -> one value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.parts.parcels import gs1
from connectors.parts.parcels.edi import Reader
from connectors.parts.parcels.ship_notice import Goods, Notice, Pack, past, told_at
from connectors.parts.values.loose import quantity
from connectors.sources.edifact.clocks import dated, expected
from connectors.sources.edifact.envelope import Message
from connectors.sources.edifact.parties import carrier, recipient
from connectors.sources.edifact.segments import Segment
from engine.contracts import Unreadable
from engine.model.shipment import Packed

WITHDRAWN = frozenset({"1", "3"})  # BGM: cancellation, deletion
MADE, SENT, DELIVERED = ("137",), ("11",), ("35",)  # DTM: document, despatched, delivered
NUMBERS = ("CW", "2I", "AAS", "CN", "AAM")  # RFF: what a carrier tracks by, the best first
LABELS = frozenset({"BJ", "SS", "AW"})  # GIN: the SSCC on a package
SENT_UNITS = ("12", "52", "48", "113", "1", "46")  # QTY: despatched, and what others write for it
ARTICLES = ("IN", "BP", "SA", "MF", "EN", "SRV", "UP")  # the buyer's number first: the shop that reads is the buyer


MOST_ABOVE = 50  # a level above itself would have no end


@dataclass(eq=False, kw_only=True)
class Level:
    """One CPS: what is said of the package itself, and its items, each from its LIN on."""

    above: Level | None = None
    own: list[Segment] = field(default_factory=list)
    items: list[list[Segment]] = field(default_factory=list)

    def upwards(self) -> Iterator[Level]:
        """What it is in, from the inside out."""
        level = self.above
        for _ in range(MOST_ABOVE):
            if level is None:
                return
            yield level
            level = level.above


def notice(told: Message, reader: Reader) -> Notice:
    """Raises Unreadable without a BGM, and for one that dates neither itself nor its interchange."""
    bgm = next((one for one in told.segments if one.id == "BGM"), None)
    if bgm is None:
        raise Unreadable("the DESADV has no BGM")
    zone = reader.zone
    head, levels = _levels(told.segments)
    made = dated(head, MADE, zone)
    when = [one for one in (made, told.made) if one]
    if not when:
        raise Unreadable("the DESADV has no date (DTM+137), and its interchange has none")
    named = max(one.day for one in when)
    sent = dated(head, SENT, zone) or made or told.made
    slug, name = carrier(head)
    return Notice(
        number=bgm.at(2) or None,
        told_at=told_at(when, zone, reader.received_at),
        dispatched_at=past(sent, zone, named, reader.received_at),
        delivered_at=past(dated(head, DELIVERED, zone), zone, named, reader.received_at),
        expected=expected(head, zone),
        withdrawn=bgm.at(3) in WITHDRAWN,
        carrier=slug,
        carrier_name=name,
        recipient=recipient(head),
        numbers=_references(head, NUMBERS)[:1],
        packs=_packs(levels, _order(head, reader.orders), reader.orders),
    )


def _levels(told: Sequence[Segment]) -> tuple[list[Segment], list[Level]]:
    """The head, and the levels (CPS) with what they hold; a message without any is one level. Some begin each package
    with its PAC instead of a CPS: one behind a package's number begins a level."""
    head: list[Segment] = []
    levels: list[Level] = []
    known: dict[str, Level] = {}
    for one in told:
        if one.id == "CPS":
            levels.append(Level(above=known.get(one.at(2))))
            known[one.at(1)] = levels[-1]
            continue
        if not levels and one.id not in ("LIN", "PAC"):
            head.append(one)
            continue
        if not levels:
            levels.append(Level())
        elif one.id == "PAC" and _labels(levels[-1].own):
            levels.append(Level(above=levels[-1].above))
        current = levels[-1]
        if one.id == "LIN":
            current.items.append([])
        (current.items[-1] if current.items else current.own).append(one)
    return head, levels


def _labels(told: Iterable[Segment]) -> tuple[str, ...]:
    """The numbers on packages, SSCC as 18 digits. What is no SSCC stays as it is written."""
    every = (one for one in told if one.id == "GIN" and one.at(1) in LABELS)
    written = (number for one in every for element in one.elements[1:] for number in element if number)
    return tuple(dict.fromkeys(gs1.sscc(number) or number for number in written))


def _packs(levels: Sequence[Level], order: str | None, wanted: Sequence[str]) -> tuple[Pack, ...]:
    """A package for each number; of a pallet that holds numbered packages, only these. Items that have each a number
    of their own are packages."""
    labels = {level: _labels(level.own) for level in levels}
    goods = {level: [_goods(item, order, wanted) for item in level.items] for level in levels}
    outer = {above for level in levels if labels[level] for above in level.upwards()}
    found: list[Pack] = []
    for level in levels:
        if level in outer:
            continue
        told = tuple(one for one in goods[level] if one)
        owners = next(filter(None, (_owners(goods[one]) for one in (level, *level.upwards()))), None)
        orders = owners or ((order,) if order else ())
        marked = [_labels(item) for item in level.items]
        if not labels[level] and marked and all(len(one) == 1 for one in marked):
            for (label,), item in zip(marked, goods[level], strict=True):
                found.append(Pack(own=label, orders=_owners([item]) or orders, goods=(item,) if item else None))
            continue
        every = labels[level] or tuple(dict.fromkeys(label for one in marked for label in one))
        numbers = _references(level.own, NUMBERS)[:1]
        if len(every) > 1:  # what is in which of them nobody tells
            found += (Pack(own=label, orders=orders) for label in every)
        elif every or numbers or told:
            found.append(Pack(numbers=numbers, own=next(iter(every), None), orders=orders, goods=told or None))
    return tuple(found) or (Pack(orders=(order,) if order else ()),)


def _owners(goods: Iterable[Goods | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one[0] for one in goods if one and one[0]))


def _goods(item: Sequence[Segment], order: str | None, wanted: Sequence[str]) -> Goods | None:
    """The units of an item, and the order that it is for; None without units or an article."""
    articles: dict[str, str] = {}
    for one in item:
        if one.id == "LIN":
            articles.setdefault(one.at(3, 1) or "EN", one.at(3))
        elif one.id == "PIA":
            for element in range(2, len(one.elements) + 1):
                articles.setdefault(one.at(element, 1), one.at(element))
    sku = next((articles[kind] for kind in ARTICLES if articles.get(kind)), None)
    name = next(filter(None, (one.at(3, 3) or one.at(3, 4) for one in item if one.id == "IMD")), None)
    units = {one.at(1): quantity(one.at(1, 1).replace(",", ".")) for one in item if one.id == "QTY"}
    sent = next((units[kind] for kind in SENT_UNITS if units.get(kind)), 0)
    if not sent or not (sku or name):
        return None
    return _order(item, wanted) or order, Packed(quantity=sent, sku=sku, name=name)


def _order(told: Sequence[Segment], wanted: Sequence[str]) -> str | None:
    return next(iter(_references(told, wanted)), None)


def _references(told: Iterable[Segment], qualifiers: Sequence[str]) -> tuple[str, ...]:
    """The numbers of the best qualifier that has any."""
    every = [one for one in told if one.id == "RFF" and one.at(1, 1)]
    for qualifier in qualifiers:
        if found := [one.at(1, 1) for one in every if one.at(1) == qualifier]:
            return tuple(dict.fromkeys(found))
    return ()
