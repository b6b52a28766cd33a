"""Links of a written message that may lead by way of us, so that somebody who follows one is noticed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape
from typing import Any

from msgspec.structs import replace

from engine.model.message import Content

_HREF = re.compile(r'(<a\b[^>]*?\bhref=")(https?://[^"]+)(")', re.IGNORECASE)
# In a text: what a URL may hold (RFC 3986), and not what ends the sentence around it. Japanese goes on without a space.
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[A-Za-z0-9\-_~/#@$&*+=%]")
# Fields of LINE's and push messages that are opened when somebody touches them.
_OPENED = frozenset({"uri", "url", "linkUri"})
MOST = 40  # links of one message; whatever comes after them leads straight to where it goes


def wrapped(content: Content, base: str, token: Callable[[], str]) -> tuple[Content, Mapping[str, str]]:
    """The content with its links leading to `base`/c/{token}, and where each token leads. What leads to our own pages
    stays as it is: tracking, the way out, preferences. So does the text beside the HTML of a mail: whoever reads that
    one wants to see where a link leads, and a long address of ours would hide it. Where the text is all there is, as of
    an SMS, its links lead by way of us like those of every other medium, or nobody could wait for a click."""
    tokens: dict[str, str] = {}

    def turned(target: str) -> str:
        if not target.startswith(("http://", "https://")) or target.startswith(f"{base}/"):
            return target
        if target not in tokens:
            if len(tokens) >= MOST:
                return target
            tokens[target] = token()
        return f"{base}/c/{tokens[target]}"

    html = content.html
    if html is not None:
        html = _HREF.sub(lambda found: f"{found[1]}{escape(turned(unescape(found[2])))}{found[3]}", html)
    payload = _walked(content.payload, turned) if content.payload is not None else None
    alone = html is None and payload is None
    text = _URL.sub(lambda found: turned(found[0]), content.text) if alone else content.text
    return replace(content, html=html, payload=payload, text=text), {one: target for target, one in tokens.items()}


def _walked(value: Any, turned: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_walked(one, turned) for one in value]
    if not isinstance(value, dict):
        return value
    action = value.get("type") in (None, "uri")  # a picture's url is fetched, not opened
    return {
        name: turned(one) if action and name in _OPENED and isinstance(one, str) else _walked(one, turned)
        for name, one in value.items()
    }
