"""The settings of a connection, each said in a line: the JSON Schema of a text, with what people are shown of it.

The engine adds what it knows for every source (routing, polling, silence) and refuses an empty text by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Setting = Mapping[str, Any]
ADDRESS = r"^https?://[^/?#@\s]+(/[^?#\s]*)?(?![\s\S])"  # more path is put behind it
LANGUAGE = "^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$"


def settings(
    named: Mapping[str, Setting], *, required: Sequence[str] = (), patterns: Mapping[str, Setting] | None = None
) -> dict[str, Any]:
    """The JSON Schema of these settings by their names, and of all whose name fits one of the `patterns`."""
    return {
        "type": "object",
        "properties": dict(named),
        **({"patternProperties": dict(patterns)} if patterns else {}),
        **({"required": list(required)} if required else {}),
        "additionalProperties": False,
    }


def text(title: str, title_ja: str, *, default: str | None = None, pattern: str | None = None) -> dict[str, Any]:
    """A text that fits the pattern; `default` is what the connector takes without it."""
    told = {"default": default, "pattern": pattern, "title": title, "title_ja": title_ja}
    return {"type": "string", "minLength": 1, **{name: value for name, value in told.items() if value is not None}}


def secret(title: str, title_ja: str, *, least: int = 1) -> dict[str, Any]:
    """A text of at least so many characters that is kept sealed and never shown."""
    return {**text(title, title_ja), "minLength": least, "secret": True}


def address(
    title: str = "Address of the API", title_ja: str = "APIのアドレス", *, default: str | None = None
) -> dict[str, Any]:
    """Where the system is asked: scheme, host, and the path before all others."""
    return text(title, title_ja, default=default, pattern=ADDRESS)


def number(title: str, title_ja: str, default: int, *, digits: int = 3) -> dict[str, Any]:
    """A whole number from 1 on, of so many digits at most."""
    return text(title, title_ja, default=str(default), pattern=rf"^[1-9]\d{{0,{digits - 1}}}$")


def language(title: str, title_ja: str) -> dict[str, Any]:
    """A language as "ja" or "en-US"."""
    return text(title, title_ja, pattern=LANGUAGE)


def choice(title: str, title_ja: str, *values: str, default: str | None = None) -> dict[str, Any]:
    """One of these texts."""
    return {**text(title, title_ja, default=default), "enum": list(values)}
