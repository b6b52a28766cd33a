"""The settings of a connection, each said in a line: the JSON Schema of a text, with what people are shown of it.

The engine adds what it knows for every source and channel (routing, polling, silence, rates) and refuses an empty text
by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Setting = Mapping[str, Any]
ADDRESS = r"^https?://[^/?#@\s]+(/[^?#\s]*)?(?![\s\S])"  # more path is put behind it
UNBRACED = r"^https?://[^/?#@\s{}]+(/[^?#\s{}]*)?(?![\s\S])"  # the same where secrets are put into braces of the url
LANGUAGE = "^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$"
PRINTABLE = r"^[!-~]+(?![\s\S])"
LONG = r"^[!-~]{8,}(?![\s\S])"


def settings(
    named: Mapping[str, Setting], *, required: Sequence[str] = (), either: Sequence[Sequence[str]] = (),
    patterns: Mapping[str, Setting] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The JSON Schema of these settings by their names, and of all whose name fits one of the `patterns`. `either` are
    sets of settings of which one must be whole."""
    return {
        "type": "object",
        "properties": dict(named),
        **({"patternProperties": dict(patterns)} if patterns else {}),
        **({"required": list(required)} if required else {}),
        **({"anyOf": [{"required": list(names)} for names in either]} if either else {}),
        "additionalProperties": False,
    }


def text(
    title: str, title_ja: str | None = None, *, default: str | None = None, pattern: str | None = None
) -> dict[str, Any]:
    """A text that fits the pattern; `default` is what the connector takes without it."""
    told = {"default": default, "pattern": pattern, "title": title, "title_ja": title_ja}
    return {"type": "string", "minLength": 1, **{name: value for name, value in told.items() if value is not None}}


def secret(title: str, title_ja: str, *, least: int = 1) -> dict[str, Any]:
    """A text of at least so many characters that is kept sealed and never shown."""
    return {**text(title, title_ja), "minLength": least, "secret": True}


def credential(title: str, title_ja: str | None = None, pattern: str = LONG) -> dict[str, Any]:
    """A secret that a system has handed out, and that has a shape: no spaces, and eight characters at least where
    nothing closer is known."""
    return {**text(title, title_ja, pattern=pattern), "secret": True}


def file(
    title: str, title_ja: str, *, pattern: str | None = None, most: int | None = None, sealed: bool = False
) -> dict[str, Any]:
    """A text that people give as a file (`name=@FILE`), of so many characters at most; `sealed` is one kept secret."""
    told = {**text(title, title_ja, pattern=pattern), "file": True}
    return told | ({"maxLength": most} if most else {}) | ({"secret": True} if sealed else {})


def address(
    title: str = "Address of the API", title_ja: str | None = "APIのアドレス", *, default: str | None = None,
    pattern: str = ADDRESS,
) -> dict[str, Any]:  # fmt: skip
    """Where the system is asked: scheme, host, and the path before all others."""
    return text(title, title_ja, default=default, pattern=pattern)


def number(title: str, title_ja: str, default: int, *, digits: int = 3) -> dict[str, Any]:
    """A whole number from 1 on, of so many digits at most."""
    return text(title, title_ja, default=str(default), pattern=rf"^[1-9]\d{{0,{digits - 1}}}$")


def language(title: str, title_ja: str) -> dict[str, Any]:
    """A language as "ja" or "en-US"."""
    return text(title, title_ja, pattern=LANGUAGE)


def choice(title: str, title_ja: str | None, *values: str, default: str | None = None) -> dict[str, Any]:
    """One of these texts."""
    return {**text(title, title_ja, default=default), "enum": list(values)}


def yes_or_no(title: str, title_ja: str, *, default: str | None = None) -> dict[str, Any]:
    """One of the two words."""
    return choice(title, title_ja, "yes", "no", default=default)


def own_mails(whose: str, name: str) -> dict[str, Any]:
    """Whether the mails that the system itself sends to customers count as sent; they do unless it is switched off."""
    title = f"{whose} own mails count, so that ours are not sent beside them"
    return yes_or_no(title, f"{name}が送るメールと同じお知らせを送らない", default="yes")
