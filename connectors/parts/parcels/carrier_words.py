"""What the words of a carrier mean, by carrier_words.yaml: for every source that hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from connectors.parts.bodies.statusmap import fields_of
from connectors.parts.bodies.tables import load_table
from connectors.parts.values.values import compared

Meaning = Mapping[str, str]  # "status", and "reason" and "substatus" where the word tells them

_BRACKETS = str.maketrans(dict.fromkeys("[{【〔「『〈《<", "(") | dict.fromkeys("]}】〕」』〉》>", ")"))
_OKURIGANA = (("持ち", "持"), ("戻り", "戻"), ("済み", "済"), ("届け", "届"), ("出し", "出"))


@lru_cache(maxsize=1024)  # parcels say few words, and say them often
def meaning(word: str, carrier: str | None) -> Meaning | None:
    """What a word means ("持戻（ご不在）": {"status": "delivery_failed", "reason": "consignee_not_home"}).

    `carrier` is a slug. Without one of which we know the words, a word counts when all who use it mean one thing.
    None when nobody has mapped it.
    """
    tables, key = _tables(), plain(word)
    if carrier in tables and carrier != "any":
        return tables[carrier].get(key) or tables["any"].get(key)
    said = [table[key] for table in tables.values() if key in table]
    return said[0] if said and all(one == said[0] for one in said) else None


def of_carrier(word: str | None, carrier: str | None) -> Meaning | None:
    """What a word means where the carrier is known and the word is one of its own; None otherwise."""
    table = _tables().get(carrier or "any")
    return table.get(plain(word)) if word and table and carrier != "any" and carrier else None


def plain(word: str) -> str:
    """The word as it is compared: half width, lower case, one kind of bracket, no spaces, no full stop at its end."""
    text = compared(word).translate(_BRACKETS).lstrip("*").rstrip("。.")
    if text.startswith("(") and text.find(")") == len(text) - 1:
        text = text[1:-1]
    for written, short in _OKURIGANA:
        text = text.replace(written, short)
    return text


@cache
def _tables() -> dict[str, dict[str, Meaning]]:
    file = Path(__file__).with_name("carrier_words.yaml")
    return {
        carrier: {plain(word): fields_of(file.name, carrier, word, entry) for word, entry in words.items()}
        for carrier, words in load_table(file).items()
    }
