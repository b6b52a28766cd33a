"""JSON as strangers send it, loaded so that nothing later stumbles over it.

Python's own parser lets through NaN, repeated keys, half surrogate pairs and NUL characters; a database,
a template or another parser then disagrees about what was said. Here they are refused at the door.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from engine.contracts import Unreadable

MAX_DEPTH = 64
# The only way in for a NUL or a lone surrogate: UTF-8 has no surrogates, and JSON no raw control characters.
_SUSPECT = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)

MOST_DIGITS = 64  # far beyond any id or amount; longer digit strings only cost time


def load(body: bytes) -> Any:
    """The JSON value in `body` (UTF-8, a byte order mark is allowed).

    Raises Unreadable for anything that is not strict JSON, for NaN and infinities, repeated keys, lone
    surrogates, NUL characters, numbers beyond 64 digits, and nesting deeper than 64. The message names
    the fault and its place, never the value.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8 text (byte {error.start})") from None
    try:
        value = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON: {error.msg} (line {error.lineno} column {error.colno})") from None
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    _inspect(value, texts="\\u" in text and _SUSPECT.search(text) is not None)
    return value


def load_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Unreadable as `load` does, and for any other value."""
    value = load(body)
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return value


def glance(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, empty where there is none that can be read: for what is only looked at."""
    try:
        return load_object(body)
    except Unreadable:
        return {}


_TOO_DEEP = f"the body is nested deeper than {MAX_DEPTH} levels"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise Unreadable("the body repeats a key inside one object")
    return table


def _no_constant(_name: str) -> NoReturn:
    raise Unreadable("the body holds NaN or Infinity, which is not JSON")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise Unreadable("the body holds a number with too many digits")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):  # 1e999 is valid JSON
        raise Unreadable("the body holds a number that is too large")
    return value


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_whole, parse_float=_fraction
)


def _inspect(value: Any, *, texts: bool) -> None:
    """Level by level, so that the depth is counted without recursion; texts only where one is suspect."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                below += item.values()
                if texts:
                    below += item
            elif type(item) is list:
                below += item
            elif texts and isinstance(item, str):
                _inspect_text(item)
        level = below if texts else [item for item in below if type(item) is dict or type(item) is list]
        if not level:
            return
    if any(isinstance(item, dict | list) for item in level):
        raise Unreadable(_TOO_DEEP)
    for item in level:
        if isinstance(item, str):
            _inspect_text(item)


def _inspect_text(text: str) -> None:
    if "\x00" in text:
        raise Unreadable("the body holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("the body holds half of a surrogate pair") from None
