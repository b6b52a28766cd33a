"""JMESPath expressions of a mapping, compiled once and asked of every record.

https://jmespath.org/specification.html. Three things are more forgiving than the specification: names in any script
need no quotes (`注文.番号`), `[]`, `[*]`, `[?...]` and `[0]` take a single thing for a list of one, since XML and many
an API write a list of one that way, and a function that is handed a wrong type gives nothing instead of an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import exceptions, functions
from jmespath.visitor import Options, TreeInterpreter

from connectors.parts.values.loose import number, plain, text

# Quoted identifiers, raw strings and literals stay as they are; of the rest, words that are not ASCII are quoted.
_WORD = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)|(\w+)""")
_DIGITS = Decimal("0.0001")


class Wrong(ValueError):
    """The text is no expression. The message says what is wrong and where in it."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What an expression is asked of: a record, and what it stands in."""

    here: Any
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    above: Scope | None = None

    def inside(self, here: Any) -> Scope:
        """The scope of a part of this record."""
        return Scope(here=here, document=self.document, headers=self.headers, above=self)


@dataclass(frozen=True)
class Expression:
    """`source` is the text as the mapping has it."""

    source: str
    parsed: Any = field(repr=False, compare=False)

    def of(self, scope: Scope) -> Any:
        """What it finds; None where it finds nothing or meets a wrong type."""
        if self.parsed["type"] == "field":  # most are, and a file may have a million of them
            return scope.here.get(self.parsed["value"]) if isinstance(scope.here, dict) else None
        try:
            return _Interpreter(scope).visit(self.parsed, scope.here)
        except exceptions.JMESPathError:
            return None

    @property
    def root(self) -> str | None:
        """The name that it starts with; None when it does not start with one."""
        node = self.parsed
        while node["type"] != "field" and node.get("children"):
            node = node["children"][0]
            if not isinstance(node, dict):
                return None
        return str(node["value"]) if node["type"] == "field" else None


@lru_cache(maxsize=2048)
def compiled(source: str) -> Expression:
    """The expression of that text. Raises Wrong."""
    try:
        parsed = jmespath.compile(_WORD.sub(_quoted, source)).parsed
        _known_functions(parsed)
    except exceptions.EmptyExpressionError:
        raise Wrong("it is empty") from None
    except exceptions.LexerError as error:
        raise Wrong(f"it cannot be read from {_near(source, error.lexer_position)!r} on") from None
    except exceptions.ParseError as error:
        raise Wrong(f"it cannot be read at {_near(source, error.lex_position)!r}") from None
    except RecursionError:
        raise Wrong("it is nested too deep") from None
    return Expression(source, parsed)


def _quoted(found: re.Match[str]) -> str:
    word = found[2]
    return f'"{word}"' if word and not word.isascii() else found[0]


def _near(source: str, place: int | None) -> str:
    return source[place or 0 :][:20] or "its end"


def _known_functions(node: Any) -> None:
    if node["type"] == "function_expression" and node["value"] not in _Functions.FUNCTION_TABLE:
        raise Wrong(f"there is no function {node['value']}(); there are {', '.join(sorted(_Functions.FUNCTION_TABLE))}")
    for child in node.get("children", ()):
        if isinstance(child, dict):
            _known_functions(child)


class _Functions(functions.Functions):
    """JMESPath's own, and what mappings need beside them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @functions.signature()
    def _func_document(self) -> Any:
        return self._scope.document

    @functions.signature()
    def _func_parent(self) -> Any:
        return self._scope.above.here if self._scope.above else None

    @functions.signature({"types": ["string"]})
    def _func_header(self, name: str) -> Any:
        return self._scope.headers.get(name.lower())

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, subject: str, separator: str) -> Any:
        return subject.split(separator) if separator else subject.split()

    @functions.signature({"types": ["string"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, subject: str, old: str, new: str) -> Any:
        return subject.replace(old, new) if old else subject

    @functions.signature({"types": ["string"]})
    def _func_lower(self, subject: str) -> Any:
        return subject.lower()

    @functions.signature({"types": ["string"]})
    def _func_upper(self, subject: str) -> Any:
        return subject.upper()

    @functions.signature({"types": []}, {"types": ["number"]})
    def _func_divide(self, amount: Any, by: Any) -> Any:
        """Cents to money: divide(total, `100`)."""
        found, parts = number(amount), number(by)
        return plain((found / parts).quantize(_DIGITS).normalize()) if found is not None and parts else None

    @functions.signature({"types": [], "variadic": True})
    def _func_concat(self, *parts: Any) -> Any:
        """The texts without a gap: concat(owner, '-', number); nothing when one of them is missing."""
        found = [part if isinstance(part, str) else text(part) for part in parts]
        return None if None in found else "".join(part for part in found if part)


class _Interpreter(TreeInterpreter):
    def __init__(self, scope: Scope) -> None:
        super().__init__(Options(custom_functions=_Functions(scope)))

    def visit_flatten(self, node: Any, value: Any) -> Any:
        return super().visit_flatten(_over_a_list(self, node, value), value)

    def visit_projection(self, node: Any, value: Any) -> Any:
        return super().visit_projection(_over_a_list(self, node, value), value)

    def visit_filter_projection(self, node: Any, value: Any) -> Any:
        return super().visit_filter_projection(_over_a_list(self, node, value), value)

    def visit_index(self, node: Any, value: Any) -> Any:
        return super().visit_index(node, _as_list(value))


def _over_a_list(interpreter: TreeInterpreter, node: Any, value: Any) -> Any:
    """The projection, over what it goes over as a literal: a list as it is, a single thing as a list of one."""
    over = {"type": "literal", "value": _as_list(interpreter.visit(node["children"][0], value)), "children": []}
    return {**node, "children": [over, *node["children"][1:]]}


def _as_list(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]
