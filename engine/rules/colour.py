"""A merchant's colours, made readable: WCAG 2.2 contrast of 4.5:1 for text in light and dark mails.

Any accent may come from a merchant, also yellow on white. The fill keeps the merchant's colour; what stands
on it and text that uses it are moved until they can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

READABLE = 4.5
LIGHT_CARD, DARK_CARD = "#ffffff", "#1b201e"  # as in templates/messages/_layout/email.css
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_WHITE, _BLACK = (255, 255, 255), (17, 20, 19)

Rgb = tuple[int, int, int]


@lru_cache(maxsize=1024)
def palette(accent: str, accent_dark: str) -> Mapping[str, str]:
    """The colours of one merchant's mails: fill, text on the fill, text in the accent, for both modes.

    Raises ValueError for anything but "#rrggbb": the value is written into style attributes.
    """
    return {
        "fill": _hex(_rgb(accent)),
        "on_fill": _ink(accent),
        "accent": readable(accent, LIGHT_CARD),
        "dark_fill": _hex(_rgb(accent_dark)),
        "dark_on_fill": _ink(accent_dark),
        "dark_accent": readable(accent_dark, DARK_CARD),
    }


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two "#rrggbb" colours, 1 to 21."""
    lighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, on: str) -> str:
    """The colour moved towards black (on light) or white (on dark) until text in it can be read."""
    end = _BLACK if _luminance(_rgb(on)) > 0.18 else _WHITE
    start = _rgb(colour)
    mixes = (_hex(_mix(start, end, step / 20)) for step in range(21))
    return next(mix for mix in mixes if contrast(mix, on) >= READABLE)


def _ink(fill: str) -> str:
    return max((_hex(_WHITE), _hex(_BLACK)), key=lambda ink: contrast(ink, fill))


def _mix(start: Rgb, end: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> Rgb:
    if not _HEX.fullmatch(colour):
        raise ValueError(f"{colour!r} is not a colour. Allowed: #rrggbb. Instead: write it like #0b6b57")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
