"""What a LINE message may hold, as far as it can be said before LINE is asked
(https://developers.line.biz/en/reference/messaging-api/#message-objects, #flex-message)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.model.message import Content

ALT_TEXT = 1_500  # characters; what the notification on the telephone shows
BUBBLE, CAROUSEL = 30_000, 50_000  # bytes as JSON
LABEL = 40  # characters of a button's label
URI = 1_000  # characters
SCHEMES = ("https://", "http://", "line://", "tel:")
TYPES = frozenset({
    "text", "textV2", "sticker", "image", "video", "audio", "location", "imagemap", "template", "flex", "coupon",
})  # fmt: skip


def objections(content: Content) -> tuple[str, ...]:
    """What LINE would refuse of this content, in words."""
    return tuple(dict.fromkeys(_all(content.payload)))


def _all(messages: Any) -> Iterator[str]:
    if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
        yield "it must be a list of one to five messages"
        return
    for place, message in enumerate(messages, 1):
        if not isinstance(message, dict) or message.get("type") not in TYPES:
            yield f"message {place}: its type is not one of {', '.join(sorted(TYPES))}"
        elif message["type"] == "flex":
            yield from _flex(place, message)
        elif message["type"] == "text" and not 1 <= _length(message.get("text")) <= 5_000:
            yield f"message {place}: its text must have 1 to 5,000 characters"


def _flex(place: int, message: dict[str, Any]) -> Iterator[str]:
    if not 1 <= _length(message.get("altText")) <= ALT_TEXT:
        yield f"message {place}: altText, which the notification shows, must have 1 to {ALT_TEXT} characters"
    contents = message.get("contents")
    if not isinstance(contents, dict) or contents.get("type") not in {"bubble", "carousel"}:
        yield f"message {place}: contents must be a bubble or a carousel"
        return
    limit = BUBBLE if contents["type"] == "bubble" else CAROUSEL
    if len(msgspec.json.encode(contents)) > limit:
        yield f"message {place}: its {contents['type']} is larger than {limit} bytes"
    for part in _parts(contents):
        yield from (f"message {place}: {said}" for said in _part(part))


def _part(part: dict[str, Any]) -> Iterator[str]:
    if part.get("type") == "text" and not (part.get("text") or part.get("contents")):
        yield "a text is empty"
    if part.get("type") == "uri" and "uri" in part:
        uri = str(part["uri"])
        if not uri.startswith(SCHEMES) or len(uri) > URI:
            yield f"a link must begin with https:// and have at most {URI} characters"
        if _length(part.get("label")) > LABEL:
            yield f"a button's label has more than {LABEL} characters"
    if part.get("type") == "box" and part.get("layout") not in {"horizontal", "vertical", "baseline"}:
        yield "a box's layout must be horizontal, vertical or baseline"


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(below)


def _length(text: object) -> int:
    """In UTF-16 code units, as LINE counts."""
    return len(text.encode("utf-16-le")) // 2 if isinstance(text, str) else 0
