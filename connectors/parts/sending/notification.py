"""What is shown on a screen for a moment, whoever pushes it: {"title", "body", "url"}."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from connectors.parts import settings as schema

URL = re.compile(r"https?://[!-~]{1,1000}")


def lasts(title: str) -> dict[str, Any]:
    """The setting that says how many seconds one waits to be shown."""
    return schema.text(title, "保持時間(秒)", pattern=r"^(0|[1-9]\d{0,6})(?![\s\S])")


def objections(payload: Any, largest: int) -> tuple[str, ...]:
    """What cannot be shown of it, in words; `largest` is in bytes, as JSON."""
    if not isinstance(payload, dict) or not str(payload.get("title") or "").strip():
        return ("it must be an object with a title, and may have body and url",)
    url, found = payload.get("url"), []
    if url is not None and (not isinstance(url, str) or not URL.fullmatch(url)):
        found.append("url: an address with https://, or null")
    if len(msgspec.json.encode(payload)) > largest:
        found.append(f"it is larger than {largest} bytes")
    return tuple(found)
