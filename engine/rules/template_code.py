"""From the text of a template to code that prints what is there, says what is missing, and comes to an end.

The names of values are woven in when a template is compiled: what is printed passes a filter that knows what
it is called, so that a message which cannot be written says which value was missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jinja2 import BaseLoader, Environment, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import UndefinedError
from jinja2.visitor import NodeTransformer

from engine.rules.template_filters import BUDGET, MAX_ITEMS, Blank, MissingVariable, Unrenderable
from engine.rules.template_guard import TemplateRefused, check_template
from engine.rules.template_sandbox import Form, sandbox

MAX_OUTPUT = 512 * 1024  # characters
_OURS = ("words.", "look.", "blocks.")  # always there, and from our own files: not watched when printed


class _Partials(BaseLoader):
    """Lets our own partials import each other's macros, compiled in the same way."""

    def __init__(self, sources: Mapping[str, str], words: Mapping[str, str]) -> None:
        self.sources, self.words = sources, words

    def load(self, environment: Environment, name: str, globals: Any = None) -> Template:
        return _template(environment, self.tree(environment, name), name)

    def tree(self, environment: Environment, name: str) -> nodes.Template:
        tree: nodes.Template = _Worded(self.words, name).visit(environment.parse(self.sources[name], name))
        return tree


class _Worded(NodeTransformer):
    """Puts our own words where a partial names them, once, instead of looking them up in every message."""

    def __init__(self, words: Mapping[str, str], name: str) -> None:
        self.words, self.name = words, name

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802 - Jinja looks for this name
        if not (isinstance(node.node, nodes.Name) and node.node.name == "words"):
            return self.generic_visit(node)
        if node.attr not in self.words:
            raise TemplateRefused(f"{self.name}, line {node.lineno}: no {node.attr} in words.yaml. Write it there")
        return nodes.Const(self.words[node.attr], lineno=node.lineno)


@dataclass(frozen=True)
class Program:
    """A compiled template. `blocks` are the ready blocks it names; `paths` the names it reads; `capped`
    tells that a merchant may have written it, so that its output is measured while it grows."""

    name: str
    run: Callable[[dict[str, Any]], Iterator[str]] = field(repr=False)
    blocks: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    capped: bool = True

    def render(self, values: dict[str, Any]) -> str:
        """The text. `values` is plain data: dict, list, str, number, bool, date, datetime, None.

        Raises MissingVariable, Unrenderable.
        """
        try:
            return "".join(self._capped(values) if self.capped else self.run(values))
        except Blank as blank:
            raise MissingVariable(str(blank), self.name) from None
        except UndefinedError as error:
            raise MissingVariable(self._full_name(str(error), values), self.name) from None
        except (TypeError, AttributeError, ValueError, LookupError, ArithmeticError) as error:
            if not self.capped:
                raise  # a bug of ours; in a merchant's text it is a filter on the wrong value, or text > number
            raise Unrenderable(f"{self.name} uses a value in a way it does not allow: {error}") from error

    def _capped(self, values: dict[str, Any]) -> Iterator[str]:
        size = 0
        for chunk in self.run(values):
            size += len(chunk)
            if size > MAX_OUTPUT:
                raise Unrenderable(f"{self.name} grew over {MAX_OUTPUT} characters; shorten its loops")
            yield chunk

    def _full_name(self, last: str, values: Mapping[str, Any]) -> str:
        candidates = (path for path in self.paths if path.rpartition(".")[2] == last)
        return next((path for path in candidates if lookup(values, path) is None), last)


def lookup(values: Mapping[str, Any], path: str) -> Any:
    """The value at "order.total.amount", or None where any part of the way is missing."""
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping) or found.get(key) is None:
            return None
        found = found[key]
    return found


def sealed(source: str, name: str, *, locale: str, form: Form) -> Program:
    """Compile what a merchant may have written. Raises TemplateRefused with the line."""
    tree = check_template(source, name)
    for loop in tree.find_all(nodes.For):
        loop.iter = _filter("listed", loop.iter, _path(loop.iter))
    return _compile(_sealed_sandbox(locale, form), tree, name, capped=True)


def trusted(sources: Mapping[str, str], words: Mapping[str, str], *, locale: str, form: Form) -> dict[str, Program]:
    """Compile our own partials, which see each other's macros by file name, and `words` as `words.<name>`.

    Raises TemplateRefused.
    """
    environment = sandbox(locale, form, ours=True)
    environment.loader = partials = _Partials(sources, words)
    try:
        return {name: _compile(environment, partials.tree(environment, name), name, capped=False) for name in sources}
    except TemplateSyntaxError as error:
        raise TemplateRefused(f"{error.name}, line {error.lineno}: {error.message}") from None


@lru_cache
def _sealed_sandbox(locale: str, form: Form) -> Environment:
    return sandbox(locale, form)


def _compile(environment: Environment, tree: nodes.Template, name: str, *, capped: bool) -> Program:
    blocks = frozenset(
        get.attr for get in tree.find_all(nodes.Getattr)
        if isinstance(get.node, nodes.Name) and get.node.name == "blocks"
    )  # fmt: skip
    paths = tuple(_path(get) for get in tree.find_all((nodes.Getattr, nodes.Name)))
    template = _template(environment, tree, name)
    new_context, root = template.new_context, template.root_render_func

    def run(values: dict[str, Any]) -> Iterator[str]:
        # Only a merchant's loops are counted; a context that is shared is not copied.
        return root(new_context({**values, BUDGET: [MAX_ITEMS]} if capped else values, shared=True))

    return Program(name, run, blocks, paths, capped)


def _template(environment: Environment, tree: nodes.Template, name: str) -> Template:
    for output in tree.find_all(nodes.Output):
        output.nodes = [_printed(node) for node in output.nodes]
    try:
        code = environment.compile(tree, name, name)
    except TemplateSyntaxError as error:
        raise TemplateRefused(f"{name}, line {error.lineno}: {error.message}") from None
    return environment.template_class.from_code(environment, code, {})


def _printed(node: nodes.Expr) -> nodes.Expr:
    """What stands between {{ and }}, with its name woven in."""
    match node:
        case nodes.TemplateData() | nodes.Const() | nodes.Call():  # calls: only of our own macros
            return node
        case nodes.CondExpr():
            other = _printed(node.expr2) if node.expr2 else None
            return nodes.CondExpr(node.test, _printed(node.expr1), other, lineno=node.lineno)
    path = _path(node)
    if path.startswith(_OURS):
        return node
    innermost: nodes.Expr | None = node
    while isinstance(innermost, nodes.Filter):
        if isinstance(innermost.node, nodes.Name | nodes.Getattr | nodes.Getitem):
            innermost.node = _filter("given", innermost.node, _path(innermost.node))
            break
        innermost = innermost.node
    is_link = path.endswith("url") or path.startswith("links.")
    return _filter("linked" if is_link else "shown", node, path)


def _filter(name: str, node: Any, path: str) -> nodes.Filter:
    return nodes.Filter(node, name, [nodes.Const(path)], [], None, None, lineno=node.lineno)


def _path(node: nodes.Node | None) -> str:
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return f"{_path(node.node)}.{node.attr}"
        case nodes.Getitem(arg=nodes.Const(value=key)):
            return f"{_path(node.node)}.{key}"
        case nodes.Filter():
            return f"{_path(node.node)}|{node.name}"
    return "an expression"
