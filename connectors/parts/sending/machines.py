"""Openings and clicks that no person made, by a table: `machines.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

from connectors.parts.bodies.tables import load_table

AT_ONCE = timedelta(seconds=5)  # after the provider took it: nobody has read it by then, but a gateway has


def machine(agent: object, *, after: timedelta | None = None) -> bool:
    """Was it one, as far as its user agent tells, and how soon it came `after` the mail was taken? Where neither says
    anything a person is believed."""
    if after is not None and after < AT_ONCE:
        return True
    told = agent.strip().lower() if isinstance(agent, str) else ""
    table = _table()
    return bool(told) and (told in table["exact"] or any(part in told for part in table["parts"]))


@cache
def _table() -> Mapping[str, Sequence[str]]:
    return load_table(Path(__file__).parent / "machines.yaml")
