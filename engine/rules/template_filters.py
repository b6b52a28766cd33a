"""The filters templates may use, and the watch kept over every printed value.

The first four are never written by hand: engine.rules.template_code puts them around what a template
prints or loops over, with the name of the value as it stands in the template.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from engine.rules import wording
from engine.rules.template_guard import MAX_STRING

MAX_LIST = 200  # items of one list a merchant's loop may run over
MAX_ITEMS = 10_000  # items of all loops of one rendering
BUDGET = " items"  # where a rendering counts them; no template can name a variable with a space
_LINKS = ("https://", "http://", "mailto:", "tel:")


class Unrenderable(Exception):
    """This message cannot be written from these values; `str()` is the reason for the ledger."""


class MissingVariable(Unrenderable):
    """A value the template needs is missing or None, and no fallback was declared for it."""

    def __init__(self, name: str, template: str) -> None:
        super().__init__(f"{template} needs {name}, which is unknown; declare a fallback in its meta.yaml")
        self.name, self.template = name, template


class Blank(Exception):
    """Carries the name of a value that is not there, on its way to becoming a MissingVariable."""


def given(value: Any, path: str) -> Any:
    """What goes into a filter must be there."""
    if value is None or isinstance(value, Undefined):
        raise Blank(path)
    return value


def shown(value: Any, path: str) -> str:
    """What is printed is text or a number; text from outside is one line of at most 8 KB."""
    if type(value) is str:
        if len(value) * 4 > MAX_STRING and len(value.encode("utf-8", "replace")) > MAX_STRING:
            raise Unrenderable(f"{path} is longer than {MAX_STRING} bytes")
        return wording.clean(value)
    if isinstance(value, Markup):
        return value
    given(value, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unrenderable(f"{path} is no text: print one of its fields, or use a filter such as |day")
    return str(value)


def linked(value: Any, path: str) -> str:
    """An address that goes into href: never javascript: or data:, wherever it came from."""
    address = shown(value, path)
    if not address.startswith(_LINKS):
        raise Unrenderable(f"{path} is no web address: it must start with https://")
    return address


@pass_context
def listed(context: Context, value: Any, path: str) -> list[Any]:
    """What a merchant's loop runs over: a short list of the context, never a string."""
    if not isinstance(given(value, path), list | tuple):
        raise Unrenderable(f"{path} is no list")
    budget = context.parent[BUDGET]
    budget[0] -= len(value)
    if len(value) > MAX_LIST or budget[0] < 0:
        raise Unrenderable(f"{path} has more items than a loop may run over ({MAX_LIST}); use a ready block")
    return list(value)


def filters(locale: str, *, as_json: bool = False) -> dict[str, Callable[..., Any]]:
    """Every filter by name, writing in `locale`. Those of merchants are template_guard.FILTERS. `as_json`: what is
    printed stands inside a JSON string."""
    return {
        "given": given,
        "shown": _inside_json(shown) if as_json else shown,
        "linked": _inside_json(linked) if as_json else linked,
        "listed": listed,
        "put": _put,
        "usable": _usable,
        "day": lambda when: wording.day(when, locale),
        "time": lambda when: wording.time(when, locale),
        "moment": lambda when: wording.moment(when, locale),
        "arrival": lambda parcel: wording.arrival(parcel["eta_from"], parcel["eta_until"], locale),
        "money": lambda money: wording.money(*wording.amount_of(money), locale),
        "price": lambda money: wording.price(*wording.amount_of(money), locale),
        "quantity": lambda units: wording.quantity(units, locale),
        "honorific": lambda name: wording.honorific(name, locale),
        "parcel": lambda parcel: wording.parcel(parcel["position"], parcel["total"], locale),
        "first": lambda items: items[0] if items else None,
        "last": lambda items: items[-1] if items else None,
        "length": len,
    }


def _inside_json(prints: Callable[[Any, str], str]) -> Callable[[Any, str], str]:
    return lambda value, path: json.dumps(prints(value, path), ensure_ascii=False)[1:-1]


def _usable(address: str | None) -> str | None:
    """An address a source gave us, if it leads to the web ("www.example.com" does not); else it is left out,
    because a link is no reason to lose the message."""
    return address if address and address.startswith(_LINKS) else None


def _put(phrase: str, **values: object) -> str:
    """Our own phrases have slots: "For {name}". Values are one line; escaping follows when it is printed."""
    for slot, value in values.items():
        phrase = phrase.replace("{" + slot + "}", shown(value, slot))
    return phrase
