"""What people type as settings of a connection, checked against the connector's schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.rules.spelling import meant

FEW = 3  # more keys with one prefix are listed as "prefix.<name>"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A setting that cannot be used, and what was expected. Never holds a value that may be secret."""

    key: str
    what: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """Settings by where they go. `secrets` keep every value of a key in the order given, newest first."""

    config: Mapping[str, str]
    secrets: Mapping[str, tuple[str, ...]]


def sort_settings(schema: Mapping[str, Any], given: Sequence[tuple[str, str]]) -> Sorted | Wrong:
    """Check key=value pairs against a JSON Schema of texts and put secrets apart.

    Understands properties, patternProperties and required; of a property enum, pattern, minLength and our
    own "secret" ("file" and "drawn" are read before). A key given twice keeps both values when it is secret,
    else the last.
    """
    config: dict[str, str] = {}
    secrets: dict[str, tuple[str, ...]] = {}
    for key, value in given:
        described = _described(schema, key)
        if described is None:
            return Wrong(key=key, what="unknown setting", expected=_known(schema, key))
        if expected := _misfit(described, value):
            return Wrong(key=key, what="not a value it can have", expected=expected)
        if described.get("secret"):
            secrets[key] = (*secrets.get(key, ()), value)
        else:
            config[key] = value
    for key in schema.get("required", ()):
        if key not in config and key not in secrets:
            expected = f"{_title(schema['properties'][key], key)}; settings are {keys(schema)}"
            return Wrong(key=key, what="missing", expected=expected)
    return Sorted(config=config, secrets=secrets)


def keys(schema: Mapping[str, Any]) -> str:
    """The settings there are, for people: "secret, encoding, column.<name>, route.<name>"."""
    names = list(schema.get("properties", ()))
    prefixes = [name.partition(".")[0] for name in names if "." in name]
    shown = [
        f"{name.partition('.')[0]}.<name>" if "." in name and prefixes.count(name.partition(".")[0]) > FEW else name
        for name in [*names, *(_readable(pattern) for pattern in schema.get("patternProperties", ()))]
    ]
    return ", ".join(dict.fromkeys(shown)) or "none"


def _described(schema: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    patterns: Mapping[str, Mapping[str, Any]] = schema.get("patternProperties", {})
    matching = (described for pattern, described in patterns.items() if re.search(pattern, key))
    return properties[key] if key in properties else next(matching, None)


def _known(schema: Mapping[str, Any], key: str) -> str:
    close = meant(key, schema.get("properties", ()))
    hint = f"{close} " if close.startswith("did you mean") else ""
    return f"{hint}settings are {keys(schema)}"


def _misfit(described: Mapping[str, Any], value: str) -> str | None:
    """What was expected instead of the value; None when it fits."""
    choices: Iterable[str] = described.get("enum", ())
    if choices and value not in choices:
        return f"{meant(value, choices)} ({', '.join(choices)})"
    pattern = described.get("pattern")
    if not value or len(value) < described.get("minLength", 0) or (pattern and not re.search(pattern, value)):
        return f"{described.get('title', 'a text that is not empty')}" + (f", as {pattern}" if pattern else "")
    return None


def _title(described: Mapping[str, Any], key: str) -> str:
    return f"{key}: {described.get('title', 'a text')}"


def _readable(pattern: str) -> str:
    return re.sub(r"\\\.?.*$", ".<name>", pattern.lstrip("^"))
