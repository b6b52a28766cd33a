"""The clock of a country, where it has only one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from connectors.parts.bodies.tables import load_table
from connectors.parts.values.countries import country


def zone_of(code: object) -> str | None:
    """The time zone (IANA name) of a country ("JP", "JPN"); None for one with several and for what is no country."""
    found = country(code)
    return _zones().get(found) if found else None


@cache
def _zones() -> dict[str, str]:
    table = load_table(Path(__file__).with_name("zones.yaml"))
    return {code.upper(): zone for zone, codes in table.items() for code in codes}
