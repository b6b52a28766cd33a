"""Which Jinja a merchant may write: a list of node types, not a list of tricks.

The sandbox alone has been escaped three times by way of calls and formatting (CVE-2019-10906,
CVE-2024-56326, CVE-2025-27516) and lets `range`, `lipsum` and string doubling run until the machine gives
up. So templates and journey guards hold nothing but names, constants, comparisons, conditions, short loops
over lists and the filters listed here; everything else is refused when a text is saved and again when it
is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser

MAX_SOURCE = 64 * 1024  # characters of a template
MAX_EXPRESSION = 1_024  # characters of a guard
MAX_NODES = 3_000
MAX_DEPTH = 32
MAX_INT = 10_000
MAX_STRING = 8 * 1024
MAX_LOOPS = 2  # one inside the other

EXPRESSION_NODES: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Compare, nodes.Operand, nodes.And,
        nodes.Or, nodes.Not, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.List, nodes.Tuple,
    }
)  # fmt: skip
TEMPLATE_NODES: frozenset[type[nodes.Node]] = EXPRESSION_NODES | {
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For,
}  # fmt: skip

# Formatting filters are engine.rules.wording's; `first`, `last`, `length` are the only borrowed ones.
FILTERS: frozenset[str] = frozenset(
    {
        "day", "time", "moment", "arrival", "money", "price", "quantity", "honorific", "parcel",
        "first", "last", "length",
    }
)  # fmt: skip
EXPRESSION_FILTERS: frozenset[str] = frozenset({"first", "last", "length"})
TESTS: frozenset[str] = frozenset({"defined", "none"})

# Names that Jinja itself gives a meaning to, or that are functions in an ordinary Jinja.
RESERVED: frozenset[str] = frozenset(
    {
        "self", "super", "caller", "varargs", "kwargs", "context", "environment",
        "range", "lipsum", "dict", "cycler", "joiner", "namespace",
    }
)  # fmt: skip

_ALLOWED = "names such as order.number, constants, if, for, comparisons, and/or/not, listed filters"
_INSTEAD: dict[str, tuple[str, str]] = {
    "Call": ("a call", "a filter such as {{ order.placed_at|day }}, or a block such as {{ blocks.items }}"),
    "Assign": ("set", "the value itself where it is needed"),
    "AssignBlock": ("set", "the value itself where it is needed"),
    "With": ("with", "the value itself where it is needed"),
    "Macro": ("macro", "the text itself, or a ready block such as {{ blocks.items }}"),
    "CallBlock": ("call", "the text itself, or a ready block such as {{ blocks.items }}"),
    "FilterBlock": ("a filter block", "the filter on one value: {{ value|day }}"),
    "Include": ("include", "the text itself, or a ready block such as {{ blocks.items }}"),
    "Import": ("import", "the text itself, or a ready block such as {{ blocks.items }}"),
    "FromImport": ("import", "the text itself, or a ready block such as {{ blocks.items }}"),
    "Extends": ("extends", "only the body: the frame around it is added by the layout"),
    "Block": ("block", "only the body: the frame around it is added by the layout"),
    "Concat": ("~", "two expressions side by side: {{ a }}{{ b }}"),
    "Slice": ("a slice", "one item, {{ order.lines[0].name }}, or a loop"),
    "Dict": ("a dictionary", "conditions: {% if ... %}...{% endif %}"),
    "ScopedEvalContextModifier": ("autoescape", "nothing: values are always escaped"),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow", "Neg", "Pos"),
                    ("arithmetic", "a value of the context that already holds the result")),
}  # fmt: skip


_READER = Environment(autoescape=True)  # only reads: no extensions, no line statements


class TemplateRefused(ValueError):
    """The text holds something that is not allowed. The message names the place, what was found there,
    what is allowed and what to write instead."""


def check_template(source: str, where: str) -> nodes.Template:
    """Return the parsed template. `where` names it for people: "shipped/email.ja.html.j2".

    Raises TemplateRefused, also for broken syntax.
    """
    _short_enough(source, MAX_SOURCE, where)
    try:
        tree = _READER.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateRefused(f"{where}, line {error.lineno}: {error.message}") from None
    except (RecursionError, ValueError):
        raise TemplateRefused(f"{where}: nested too deep, or a number too long, to be read") from None
    refuse(tree, nodes=TEMPLATE_NODES, filters=FILTERS, where=where)
    return tree


def check_expression(source: str, where: str) -> nodes.Expr:
    """Return the parsed expression, the text between {{ and }} or after `if`. Raises TemplateRefused."""
    _short_enough(source, MAX_EXPRESSION, where)
    try:
        parser = Parser(_READER, source, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            left = parser.stream.current
            raise TemplateRefused(
                f"{where}, line {left.lineno}: {left.value!r} after the end of the expression. "
                f"Allowed: one expression. Instead: join conditions with and / or"
            )
    except TemplateSyntaxError as error:
        raise TemplateRefused(f"{where}, line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise TemplateRefused(f"{where}: nested too deep to be read") from None
    refuse(tree, nodes=EXPRESSION_NODES, filters=EXPRESSION_FILTERS, where=where)
    return tree


def refuse(tree: nodes.Node, *, nodes: frozenset[type[nodes.Node]], filters: frozenset[str], where: str) -> None:
    """Raise TemplateRefused if the tree holds any node type, filter, name or size that is not allowed."""
    for count, (node, depth, loops) in enumerate(_walk(tree), start=1):
        if type(node) not in nodes:
            found, instead = _INSTEAD.get(type(node).__name__, (type(node).__name__.lower(), "plain text"))
            _stop(where, node, found, _ALLOWED, instead)
        if count > MAX_NODES:
            _stop(where, node, f"more than {MAX_NODES} parts", f"{MAX_NODES}", "a shorter text")
        if depth > MAX_DEPTH:
            _stop(where, node, "too deep nesting", f"{MAX_DEPTH} levels", "flatter conditions")
        if loops > MAX_LOOPS:
            _stop(where, node, f"{loops} loops inside each other", f"{MAX_LOOPS}", "loops side by side")
        _check_node(node, filters, where)


def _check_node(node: nodes.Node, filters: frozenset[str], where: str) -> None:
    match node:
        case nodes.Name(name=name) if name.startswith("_") or name in RESERVED:
            _stop(where, node, f"the name {name}", "names of the context", "order, shipment, customer, ...")
        case nodes.Getattr(attr=attr) if attr.startswith("_"):
            _stop(where, node, f"the attribute {attr}", "fields of the context", "order.number")
        case nodes.Getitem():
            _check_key(node, where)
        case nodes.Const(value=value):
            _check_constant(node, value, where)
        case nodes.Filter(name=name):
            if name not in filters or node.node is None:
                _stop(where, node, f"the filter {name}", _listed(filters), "one of these, or the plain value")
            if node.kwargs or node.dyn_args or node.dyn_kwargs or not _constants(node.args):
                _stop(where, node, f"an argument of {name}", "constants", "{{ value|" + name + " }}")
        case nodes.Test(name=name):
            if name not in TESTS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                _stop(where, node, f"the test {name}", _listed(TESTS), "a comparison: ==, !=, <, >, in")
        case nodes.For():
            _check_loop(node, where)


def _check_key(node: nodes.Getitem, where: str) -> None:
    key = node.arg.value if isinstance(node.arg, nodes.Const) else None
    if not isinstance(key, int | str) or isinstance(key, bool) or str(key).startswith("_"):
        found = type(node.arg).__name__.lower() if key is None else repr(key)
        _stop(where, node, f"[{found}]", "[0] and ['name']", "a constant: order.lines[0].name")


def _check_constant(node: nodes.Node, value: object, where: str) -> None:
    match value:
        case int() | float() if not abs(value) <= MAX_INT:
            _stop(where, node, "a large number", f"numbers up to {MAX_INT}", "a smaller number")
        case str() if len(value.encode("utf-8", "replace")) > MAX_STRING:
            _stop(where, node, "a long string", f"strings up to {MAX_STRING} bytes", "text outside of {{ }}")


def _check_loop(node: nodes.For, where: str) -> None:
    instead = "{% for line in order.lines %}"
    if not isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Getitem):
        _stop(where, node, "a loop over an expression", "a list of the context", instead)
    if not isinstance(node.target, nodes.Name):
        _stop(where, node, "a loop with several variables", "one variable", instead)
    if node.recursive:
        _stop(where, node, "a recursive loop", "a plain loop", instead)


def _constants(arguments: list[nodes.Expr]) -> bool:
    return all(isinstance(argument, nodes.Const) for argument in arguments)


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int, int]]:
    """Each node with its depth and the number of loops around it; a loop counts itself. Not recursive:
    a chain such as a.b.c... is parsed without recursion and can be deeper than the stack."""
    waiting = [(tree, 0, 0)]
    while waiting:
        node, depth, loops = waiting.pop()
        inside = loops + isinstance(node, nodes.For)
        yield node, depth, inside
        waiting.extend((child, depth + 1, inside) for child in node.iter_child_nodes())


def _short_enough(source: str, limit: int, where: str) -> None:
    if len(source) > limit:
        raise TemplateRefused(
            f"{where}: {len(source)} characters. Allowed: {limit}. Instead: a shorter text, blocks for tables"
        )


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _stop(where: str, node: nodes.Node, found: str, allowed: str, instead: str) -> None:
    raise TemplateRefused(f"{where}, line {node.lineno}: {found}. Allowed: {allowed}. Instead: {instead}")
