"""Guards: the `where` and `unless` of a journey, as Jinja expressions over a fixed tree of names.

Which Jinja is allowed is `template_guard`'s to say; which names exist stands here. Values are plain
mappings, lists and scalars: nothing is looked up as an attribute, nothing is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from engine.rules.spelling import meant
from engine.rules.template_guard import EXPRESSION_FILTERS, TESTS, check_expression

Path = tuple[str, ...]

# What a guard may ask. The view given to `holds` has exactly these groups and names; the word is the type
# of the value, and every value but a bool, a count or a list can be None. Times are aware.
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "order": {
        "paid": "bool", "allocated": "bool", "confirmed": "bool", "cancelled": "bool", "on_hold": "bool",
        "gift": "bool", "test": "bool", "payment": "text", "number": "text", "parcel_count": "count",
        "parcels_total": "count", "ordered": "count", "unshipped": "count", "shipped": "count",
        "cancelled_units": "count", "returned": "count", "all_delivered": "bool", "undelivered": "count",
        "returning": "bool", "refunded": "bool", "delivered_at": "time", "placed_at": "time",
        "source_notified": "list",
    },
    "shipment": {
        "key": "text", "position": "count", "total": "count", "carrier": "text", "number": "text",
        "status": "text", "rank": "count", "dispatched": "bool", "delivered": "bool", "attempts": "count",
        "reason": "text", "substatus": "text", "cancelled": "bool", "leg": "count", "ships": "bool",
    },
    "return_": {
        "goods": "text", "requested": "bool", "approved": "bool", "received": "bool", "refunded": "bool",
        "declined": "bool",
    },
    "customer": {
        "role": "text", "has_email": "bool", "locale": "text", "accepts_marketing": "bool",
        "orders_since": "count",
    },
    "event": {"type": "text", "shipment": "text"},
}  # fmt: skip

NEVER_CHANGES: frozenset[str] = frozenset({"event"})  # the event that started the run


class ExpressionFailed(ValueError):
    """The guard cannot be decided on this view. The message names what is missing or does not fit."""


class Verdict(Struct, frozen=True):
    """`values` are the scalars the guard names, by dotted name; for the ledger."""

    value: bool
    values: Mapping[str, Any]


class _Environment(ImmutableSandboxedEnvironment):
    """Looks into mappings and lists only; an attribute of a value is never touched."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (Mapping, list, tuple)):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)


def _environment() -> _Environment:
    environment = _Environment(undefined=StrictUndefined)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in EXPRESSION_FILTERS}
    kept = TESTS | {"eq", "ne", "lt", "le", "gt", "ge", "in"}
    environment.tests = {name: test for name, test in environment.tests.items() if name in kept}
    return environment


_ENVIRONMENT = _environment()


def holds(source: str, view: Mapping[str, Any]) -> Verdict:
    """Is the guard true of the view? `view` maps the groups of VARIABLES to mappings of their names.

    Raises ExpressionFailed for a name the view does not have and for values that cannot be compared,
    TemplateRefused for a guard that is not allowed at all.
    """
    ask, named = _compiled(source)
    try:
        value = bool(ask(**view))
    except (TemplateError, TypeError, ValueError) as error:
        missing = [path for path in named if not _found(path, view)]
        why = f"{dotted(missing[0])} is not known here" if missing else str(error)
        raise ExpressionFailed(f"{source}: {why}") from None
    return Verdict(value, dict(_seen(named, view)))


def paths(source: str) -> tuple[Path, ...]:
    """Every name the guard looks up, such as ("order", "paid"), in order of appearance.

    Raises TemplateRefused."""
    return _compiled(source)[1]


def unknown(path: Path) -> str | None:
    """Return what is wrong with a name and how to put it right; None when guards may use it."""
    if path[0] not in VARIABLES:
        return f"nothing is called {path[0]!r}; {meant(path[0], VARIABLES)}"
    names = VARIABLES[path[0]]
    if len(path) == 1:
        return f"{path[0]!r} is a group; ask for one of its names, such as {path[0]}.{next(iter(names))}"
    if path[1] not in names:
        return f"{path[0]!r} has no {path[1]!r}; {meant(path[1], names)}"
    if len(path) > 2 and names[path[1]] != "list":
        return f"{dotted(path[:2])} is a {names[path[1]]} and holds no {path[2]!r}"
    return None


def dotted(path: Path) -> str:
    """Return a name as people write it: order.paid."""
    return ".".join(path)


@lru_cache(maxsize=4_096)
def _compiled(source: str) -> tuple[Callable[..., Any], tuple[Path, ...]]:
    tree = check_expression(source, "guard")
    named = tuple(dict.fromkeys(_paths(tree)))
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False), named


def _paths(node: nodes.Node) -> Iterator[Path]:
    path = _chain(node)
    if path:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def _chain(node: nodes.Node) -> Path:
    match node:
        case nodes.Name(name=name):
            return (name,)
        case nodes.Getattr(node=inner, attr=attr):
            return (*_chain(inner), attr) if _chain(inner) else ()
        case nodes.Getitem(node=inner, arg=nodes.Const(value=value)):
            return (*_chain(inner), str(value)) if _chain(inner) else ()
    return ()


def _found(path: Path, view: Mapping[str, Any]) -> bool:
    value: Any = view
    for name in path[:2]:
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True


def _seen(named: tuple[Path, ...], view: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for path in named:
        if len(path) == 2 and _found(path, view):
            value = view[path[0]][path[1]]
            if value is None or isinstance(value, (bool, int, float, str)):
                yield dotted(path), value
            elif isinstance(value, (datetime, date)):
                yield dotted(path), value.isoformat()
