"""Tracking numbers where one field holds several: people join them by commas, slashes, spaces or line breaks."""

from __future__ import annotations

import re
import unicodedata

from connectors.parts.values.loose import text
from connectors.parts.values.values import DASH

LEAST = 8  # digits and letters of the shortest number that stands alone: "4412 0000 1113" is one number, not three
MOST = 50  # numbers of one field; an order of more parcels is a mistake in the field

_BETWEEN = re.compile(r"[,、;/|・\r\n\t]+")
_NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Z]{4,40}")  # words are no numbers


def numbers(value: object) -> tuple[str, ...]:
    """Every tracking number in the field or list, each once and in its order: half width, without spaces and
    hyphens. Placeholders ("-", "なし") are none."""
    if isinstance(value, list):
        return tuple(dict.fromkeys(number for one in value[:MOST] for number in numbers(one)))
    written = text(value)
    if written is None:
        return ()
    plain = unicodedata.normalize("NFKC", written).upper()
    found = (number for part in _BETWEEN.split(plain) for number in _apart(DASH.sub("-", part)))
    return tuple(dict.fromkeys(found))[:MOST]


def _apart(part: str) -> list[str]:
    pieces = [re.sub(r"[-‐‑‒–—―−ー]", "", piece) for piece in part.split()]
    if not all(len(piece) >= LEAST for piece in pieces):
        pieces = ["".join(pieces)]
    return [piece for piece in pieces if _NUMBER.fullmatch(piece)]
