"""Words of a status column -> what they mean: the shop's by status_map.yaml, the carrier's by carrier_words.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from connectors.parts.bodies.tables import load_table
from connectors.parts.parcels import carrier_words
from connectors.parts.values.values import compared

Meaning = Mapping[str, str]


@lru_cache(maxsize=512)  # a file says a few words many times
def of_order(word: str) -> Meaning | None:
    """What an order status says ("入金済": {"payment": "paid"}); None when nobody has mapped it."""
    return _orders().get(compared(word))


def of_parcel(word: str, carrier: str | None) -> Meaning | None:
    """What a delivery status says. Without a carrier, a word counts when all who use it mean one thing."""
    return carrier_words.meaning(word, carrier)


@cache
def _orders() -> dict[str, Meaning]:
    """The words of orders, as compared."""
    table = load_table(Path(__file__).with_name("status_map.yaml"))["order"]
    return {compared(word): said for word, said in table.items()}
