"""Words of a status column -> what they mean, by status_map.yaml."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from connectors.sources.tables import load_table

Meaning = Mapping[str, str]


@lru_cache(maxsize=512)  # a file says a few words many times
def of_order(word: str) -> Meaning | None:
    """What an order status says ("入金済": {"payment": "paid"}); None when nobody has mapped it."""
    return _tables()["order"].get(_plain(word))


@lru_cache(maxsize=512)
def of_parcel(word: str, carrier: str | None) -> Meaning | None:
    """What a delivery status says. Without a carrier, a word counts when all who use it mean one thing."""
    tables, key = _tables(), _plain(word)
    if carrier in tables and carrier != "order":
        return tables[carrier].get(key) or tables["any"].get(key)
    said = [table[key] for name, table in tables.items() if name != "order" and key in table]
    return said[0] if said and all(one == said[0] for one in said) else None


@cache
def _tables() -> dict[str, dict[str, Meaning]]:
    """ "order" and the carriers side by side, words as compared."""
    table = load_table(Path(__file__).with_name("status_map.yaml"))
    sections = {"order": table["order"], **table["delivery"]}
    return {name: {_plain(word): said for word, said in words.items()} for name, words in sections.items()}


def _plain(word: str) -> str:
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())
