"""Plain data -> a journey, or what is wrong with its shape, one clear sentence for each mistake."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.model.journey import VERBS, Journey, Title, Trigger
from engine.rules.spelling import meant

Path = tuple[str | int, ...]

_STEP_KINDS = {kind.__name__: kind for kind in VERBS.values()}
_FOUND: Mapping[Any, str] = {dict: "keys with values", list: "a list", str: "a text"}
_EXPECTED = {
    "string_type": "one text",
    "tuple_type": "a list, such as [email]",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "dict_type": "keys with values",
}


@dataclass(frozen=True)
class Complaint:
    """`at` leads to the place in the file: ("steps", 0, "send"). `hint` says what was expected or meant."""

    at: Path
    what: str
    hint: str = ""


def shape(data: Any) -> Journey | list[Complaint]:
    """Return the journey that plain data describes, or every complaint about it."""
    if not isinstance(data, Mapping):
        return [Complaint((), "this is not a journey", "expected keys with values, beginning with name:")]
    try:
        return Journey.model_validate(data)
    except ValidationError as refused:
        errors = refused.errors(include_url=False)
    complaints = [_complaint(error, data) for error in errors]
    inner = {complaint.at[:-1] for complaint in complaints}
    counted = [error["type"] == "too_short" and bool(error["input"]) for error in errors]
    # pydantic also counts the items it refused: a list is not too short for having a wrong item
    return [one for one, recount in zip(complaints, counted, strict=True) if not (recount and _within(one.at, inner))]


def _within(at: Path, inner: set[Path]) -> bool:
    return any(path[: len(at)] == at for path in inner)


def _complaint(error: ErrorDetails, data: Any) -> Complaint:
    place, model = _place(error["loc"])
    key = str(place[-1]) if place else ""
    tell = _TELLERS.get(error["type"])
    if tell is None:
        return Complaint(
            place, f"{key}: {error['msg'][0].lower()}{error['msg'][1:]}", f"found {_short(error['input'])}"
        )
    what, hint = tell(error, key, model)
    return Complaint(place, what, hint)


def _place(loc: tuple[int | str, ...]) -> tuple[Path, type[BaseModel]]:
    """Return the path in the file, without pydantic's own words, and the model that stands there."""
    if loc[:1] == ("steps",) and len(loc) > 2 and loc[2] in _STEP_KINDS:
        return (*loc[:2], *loc[3:]), _STEP_KINDS[str(loc[2])]
    models: Mapping[Any, type[BaseModel]] = {"trigger": Trigger, "title": Title}
    return loc, models.get(loc[0], Journey) if len(loc) > 1 else Journey


Teller = Callable[[ErrorDetails, str, type[BaseModel]], tuple[str, str]]


def _missing(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    return f"{key!r} is missing", model.model_fields[key].description or ""


def _extra(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    return f"unknown key {key!r}", meant(key, model.model_fields)


def _literal(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    known = re.findall(r"'([^']+)'", error.get("ctx", {}).get("expected", ""))
    events = any("." in word for word in known)
    kind = "an event" if events else f"a value of {key!r}"
    return f"{_short(error['input'])} is not {kind}", meant(str(error["input"]), known)


def _verb(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    step = error["input"]
    if not isinstance(step, Mapping):
        return "a step is keys with values", "expected id: and one verb, such as send:"
    found = [name for name in VERBS if name in step]
    if found:
        return f"two verbs in one step: {' and '.join(found)}", "one verb a step; make two steps of it"
    known = {name for kind in VERBS.values() for name in kind.model_fields}
    odd = next((str(name) for name in step if name not in known), "")
    return "no verb in this step", meant(odd, VERBS)


def _kind(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    found = _FOUND.get(type(error["input"]), "something else")
    return f"{key!r} is {found}", f"expected {_EXPECTED[error['type']]}"


def _pattern(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    return (
        f"{_short(error['input'])} is not a name",
        "lower-case letters, digits and _, beginning with a letter",
    )


def _short_text(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    return f"{key!r} is empty", "write it, or leave the key out"


def _few(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    return f"{key!r} is empty", "at least one is needed"


def _many(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    limits = error.get("ctx", {})
    return f"{key!r} is too long", f"at most {limits.get('max_length')} are allowed"


def _own(error: ErrorDetails, key: str, model: type[BaseModel]) -> tuple[str, str]:
    return f"{key}: {error.get('ctx', {}).get('error', error['msg'])}", ""


_TELLERS: Mapping[str, Teller] = {
    "missing": _missing, "extra_forbidden": _extra, "literal_error": _literal, "verb": _verb,
    "string_pattern_mismatch": _pattern, "string_too_short": _short_text, "too_short": _few,
    "too_long": _many, "string_too_long": _many, "value_error": _own,
    **dict.fromkeys(_EXPECTED, _kind),
}  # fmt: skip


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
