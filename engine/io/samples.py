"""Sample contexts of message templates: for tests, previews and the pictures people look at.

`_layout/sample.json` holds one whole context ("ja") and what differs for an English reader ("en");
each template's sample.json holds named changes to it, with an "en" part of their own where names differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

_DATES = frozenset({"ships_on", "today"})
_TIMES = ("_at", "_from", "_until")


def load_samples(folder: Path, template: str, locale: str) -> dict[str, dict[str, Any]]:
    """The samples of templates/messages/<template> by name, as contexts for engine.rules.content.render.

    Times are written with their offset and become aware datetimes. Raises OSError, ValueError.
    """
    whole = json.loads((folder / "_layout/sample.json").read_text(encoding="utf-8"))
    changes = json.loads((folder / template / "sample.json").read_text(encoding="utf-8"))
    base = _merged(whole["ja"], whole["en"] if locale == "en" else {})
    samples: dict[str, dict[str, Any]] = {}
    for name, change in changes.items():
        own = {key: value for key, value in change.items() if key != "en"}
        samples[name] = _typed(_merged(_merged(base, own), change.get("en", {}) if locale == "en" else {}))
    return samples


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`change` over `base`; objects are merged, everything else (lists and null, too) is replaced."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _typed(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _typed(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if key in _DATES:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if key.endswith(_TIMES) or key in ("at", "until") else value
