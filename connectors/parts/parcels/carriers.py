"""Carriers by the names that shops write; never by the number: twelve digits fit three carriers in Japan."""

from __future__ import annotations

import re
from pathlib import Path
from unicodedata import normalize

from connectors.parts.bodies.tables import load_table


def slug(name: str | None) -> str | None:
    """The slug of a carrier named in free text ("ﾔﾏﾄ運輸", "UPS Ground"), as carriers.yaml has it.

    Case, width and spaces do not matter; words around the name neither, as long as a Latin name is a word
    of its own (UPS is not in "groups"). None when nobody is recognised.
    """
    if not name:
        return None
    plain = _plain(name)
    return next((found for found, pattern in _TABLE if pattern.search(plain)), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", " ", normalize("NFKC", name)).strip().lower()


def _pattern(word: str) -> str:
    found = re.escape(_plain(word))
    return rf"(?<![a-z]){found}(?![a-z])" if word.isascii() else found


_TABLE = [
    (found, re.compile("|".join(map(_pattern, words))))
    for found, words in load_table(Path(__file__).with_name("carriers.yaml")).items()
]
