"""Who gets it (NAD) and who carries it (TDT, NAD+CA)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.parts.parcels import carriers
from connectors.parts.parcels.edi_text import loops
from connectors.parts.values import people
from connectors.parts.values.countries import country
from connectors.sources.edifact.segments import Segment
from engine.model.customer import Address, Party

RECEIVERS = ("ST", "UC", "DP", "CN")  # ship to, ultimate consignee, delivery party, consignee
_LOOP = frozenset({"LOC", "RFF", "CTA", "COM"})


def carrier(told: Sequence[Segment]) -> tuple[str | None, str | None]:
    """Slug and name of the carrier: that of the main transport, else the party that is one. Some write its name an
    element too early."""
    for one in told:
        if one.id == "TDT":
            # shorter ones are codes of a vehicle's type
            named = [part for part in (one.at(5, 3), one.at(5), one.at(4)) if len(part) > 2]
            if named:
                return next(filter(None, map(carriers.slug, named)), None), named[0]
    for one in told:
        if one.id == "NAD" and one.at(1) in ("CA", "FW") and (name := _text(one, 4) or _text(one, 3)):
            return carriers.slug(name), name
    return None, None


def recipient(told: Sequence[Segment]) -> Party | None:
    """The party to whom it goes, of the best role that has more than a number, with the contact behind it."""
    found = loops(told, "NAD", _LOOP, lambda one: one.at(1))
    return next(filter(None, (_party(found[role]) for role in RECEIVERS if role in found)), None)


def _party(loop: Sequence[Segment]) -> Party | None:
    """NAD: 3 name and address as lines, 4 name, 5 street, 6 city, 7 region, 8 postal code, 9 country."""
    nad = loop[0]
    name = _text(nad, 4)
    lines = [line for line in (nad.elements[2] if len(nad.elements) > 2 else ()) if line]
    if name is None and lines:
        name, *lines = lines
    streets = [line for line in (nad.elements[4] if len(nad.elements) > 4 else ()) if line] or lines
    reach = {one.at(1, 1): one.at(1) for one in loop if one.id == "COM"}
    phone = reach.get("TE") or reach.get("AL")
    where = Address(
        name=name,
        postal_code=nad.at(8) or None,
        country=country(nad.at(9)),
        region=nad.at(7) or None,
        city=nad.at(6) or None,
        line1=streets[0] if streets else None,
        line2=" ".join(streets[1:]) or None,
        phone=phone,
    )
    known = where if streets or nad.at(6) or nad.at(8) else None
    return people.somebody(Party(name=name, email=reach.get("EM"), phone=phone, address=known))


def _text(segment: Segment, element: int) -> str | None:
    """The components of an element as one text: a name may go over several."""
    parts = segment.elements[element - 1] if len(segment.elements) >= element else ()
    return " ".join(part for part in parts if part) or None
