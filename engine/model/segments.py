"""How many parts a text message is carried in, and so what it costs: by the alphabet that it needs (3GPP TS 23.038)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

# The default alphabet, and what costs two septets because it is escaped (TS 23.038, 6.2.1 and 6.2.1.1).
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")
ALONE = {"gsm7": 160, "ucs2": 70}  # units of a message that needs one part
JOINED = {"gsm7": 153, "ucs2": 67}  # of each part of several: six octets tell which part it is
JAPAN = 660  # characters; what every Japanese carrier joins again (ten parts)


class Counted(Struct, frozen=True, kw_only=True):
    """`units` are septets of GSM 7-bit or code units of UCS-2, whichever `encoding` the text needs. `widest` is the
    character that keeps it from GSM 7-bit, by which one mark can more than double the price."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int
    widest: str | None = None


def counted(text: str) -> Counted:
    """Count a text as it is sent. An empty one has no parts. A part never ends inside a character: an escaped one, or
    a pair of UTF-16 (an emoji)."""
    outside = next((char for char in text if char not in _BASIC and char not in _ESCAPED), None)
    if outside is None:
        sizes, encoding = [1 if char in _BASIC else 2 for char in text], "gsm7"
    else:
        sizes, encoding = [2 if ord(char) > 0xFFFF else 1 for char in text], "ucs2"
    units = sum(sizes)
    parts = min(units, 1) if units <= ALONE[encoding] else _parts(sizes, JOINED[encoding])
    return Counted(encoding="gsm7" if outside is None else "ucs2", units=units, segments=parts, widest=outside)


def _parts(sizes: list[int], room: int) -> int:
    parts, used = 1, 0
    for size in sizes:
        if used + size > room:
            parts, used = parts + 1, 0
        used += size
    return parts
