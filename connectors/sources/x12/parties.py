"""Who gets it (N1 loops) and who carries it (TD5, SCAC)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors.parts.bodies.tables import load_table
from connectors.parts.parcels import carriers
from connectors.parts.parcels.edi_text import loops
from connectors.parts.values import people
from connectors.parts.values.countries import country
from connectors.sources.x12.segments import Segment
from engine.model.customer import Address, Party

_CODES = {code: slug for slug, codes in load_table(Path(__file__).with_name("scac.yaml")).items() for code in codes}
LONGEST_CODE, LONGEST_MODE = 4, 2  # letters of a SCAC, and of a mode ("M", "ZZ") or a service level ("GR")
RECEIVERS = ("ST", "UC", "CN")  # ship to, ultimate consignee, consignee
_LOOP = frozenset({"N2", "N3", "N4", "PER", "REF", "N9", "DTM", "FOB", "G62", "G61"})


def carrier(*written: str) -> tuple[str | None, str | None]:
    """Slug and name of a carrier, from its SCAC or its name, the best first. A code of a known carrier is no name."""
    told = [one for one in written if one]
    known = next((_CODES[one.lower()] for one in told if one.lower() in _CODES), None)
    known = known or next(filter(None, map(carriers.slug, told)), None)
    names = [one for one in told if not (known and one.lower() in _CODES)]
    return known, next((one for one in reversed(names) if len(one) > LONGEST_CODE), next(iter(names), None))


def of_routing(told: Sequence[Segment]) -> tuple[str | None, str | None]:
    """The carrier of the first TD5 that names one. Some write it an element too far, where the mode stands."""
    for one in told:
        if one.id == "TD5":
            named = [part for part in (one[3], one[4], one[5], one[6]) if len(part) > LONGEST_MODE]
            if named:
                return carrier(*named)
    return None, None


def recipient(told: Sequence[Segment]) -> Party | None:
    """The party to whom it goes, with the address and the contact that follow its N1."""
    found = loops(told, "N1", _LOOP, lambda one: one[1].upper())
    return next((_party(found[role]) for role in RECEIVERS if role in found), None)


def _party(loop: Sequence[Segment]) -> Party | None:
    name, more = loop[0][2] or None, [one[1] for one in loop if one.id == "N2" and one[1]]
    streets = [street for one in loop if one.id == "N3" for street in (one[1], one[2]) if street]
    town = next((one for one in loop if one.id == "N4"), Segment("N4", ()))
    reach = {kind: value for one in loop if one.id == "PER" for kind, value in one.pairs(3)}
    phone = reach.get("TE") or reach.get("CP")
    where = Address(
        name=name,
        company=more[0] if more else None,
        postal_code=town[3] or None,
        country=country(town[4]),
        region=town[2] or None,
        city=town[1] or None,
        line1=streets[0] if streets else None,
        line2=" ".join(streets[1:]) or None,
        phone=phone,
    )
    known = where if (streets or town.elements) else None
    return people.somebody(Party(name=name, email=reach.get("EM"), phone=phone, address=known))
