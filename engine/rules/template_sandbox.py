"""Where templates run: they read plain data and nothing else.

Jinja's sandbox forbids what is known to be dangerous; this one allows what is known to be harmless. A field is
a key of a dictionary, never a Python attribute, so a value brings no methods along (and an order may have a
field called "items").
"""

from __future__ import annotations

from typing import Any, Literal

from jinja2 import Environment, StrictUndefined
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.rules.template_filters import filters

Form = Literal["html", "text", "json"]
_LOOP = frozenset({"index", "first", "last", "length"})


def sandbox(locale: str, form: Form, *, ours: bool = False) -> Environment:
    """An environment without globals, writing in `locale`; what is printed is escaped for HTML, or for the inside of a
    JSON string. What is ours may call our own macros without being asked at every call."""
    kind = _Ours if ours else _Sealed
    environment = kind(
        autoescape=form == "html", undefined=_Missing, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.globals.clear()
    environment.tests = {name: environment.tests[name] for name in ("defined", "none", "in")}
    environment.filters = filters(locale, as_json=form == "json")
    return environment


class _Missing(StrictUndefined):
    """Fails with nothing but its name as the message."""

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class _PlainData(Environment):
    """Fields are keys of dictionaries. Other objects have none, apart from a loop's counters."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict:
            try:
                return obj[attribute]
            except KeyError:
                return self.undefined(obj=obj, name=attribute)
        if type(obj) is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            if type(obj) in (dict, list, tuple):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=str(argument))


class _Sealed(_PlainData, ImmutableSandboxedEnvironment):
    """For what a merchant may have written."""


class _Ours(_PlainData):
    """For our own partials."""
