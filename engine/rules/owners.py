"""One connection, many goods owners: whose are the records of an owner, and what to say where nobody has said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PREFIX = "route."
SHOWN = 5  # owners that a reason names
LONGEST = 100  # characters of an owner's name
NOBODYS = "it does not say whose it is: make a connection of this source for each merchant (--merchant SLUG)"

# Settings of every source that can say whose each record is.
SETTINGS: Mapping[str, Any] = {
    "route": {
        "enum": ["no", "yes"], "default": "no", "title": "route records to merchants by their goods owner",
        "title_ja": "荷主ごとに店舗へ振り分ける",
    },
}  # fmt: skip
PATTERNS: Mapping[str, Any] = {
    r"^route\..+$": {"type": "string", "title": "merchant of a goods owner", "title_ja": "荷主に対応する店舗"},
}


def called(owner: str) -> str:
    """The owner's name as it is kept and shown."""
    return "".join(char for char in owner if char.isprintable()).strip()[:LONGEST]


def owner_of(owner: str, config: Mapping[str, str], merchants: Mapping[str, int], its_own: int | None) -> int | None:
    """The merchant of a goods owner: as the connection's settings say, or the one whose slug is the owner's name; else
    the merchant that the connection belongs to. None: nobody has said so."""
    name = called(owner)
    return merchants.get(config.get(f"{PREFIX}{name}", name), its_own)


def unassigned(connection: str, owners: Sequence[str], more: str | None) -> str:
    """Why a delivery waits, and what to type."""
    names = ", ".join(owners[:SHOWN]) + (f" and {len(owners) - SHOWN} more" if len(owners) > SHOWN else "")
    what = "unknown goods owner" if len(owners) == 1 else "unknown goods owners"
    then = f"{what} {names}; type: todoke connections assign {connection} {owners[0]} MERCHANT"
    return f"{then} ({more})" if more else then
