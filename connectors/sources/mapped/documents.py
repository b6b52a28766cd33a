"""Bytes -> the value that expressions are asked of, and the records in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.parts.bodies import jsonbody, xmlbody
from connectors.parts.bodies.decoding import decode_lines
from connectors.parts.bodies.grid import Row, delimiter_of, rows
from connectors.parts.values.loose import text
from connectors.sources.mapped.expressions import Expression, Scope
from connectors.sources.mapped.mapping import Block
from connectors.sources.mapped.options import Shape
from engine.contracts import BadRow, Delivery, Unreadable

MOST_RECORDS = 500_000  # of one delivery; more would hold everything else up


class Line(dict[str, Any]):
    """A row of a file by the names of its columns; `number` is its line, from 1."""

    number: int = 0


def document(delivery: Delivery, shape: Shape) -> tuple[Any, list[BadRow]]:
    """(the value of the body, rows of a file that could not be read). Raises Unreadable."""
    match shape.format:
        case "json":
            return jsonbody.load(delivery.body), []
        case "xml":
            return xmlbody.load(delivery.body), []
        case _:
            return _table(delivery.body, shape)


def _table(body: bytes, shape: Shape) -> tuple[list[Line], list[BadRow]]:
    lines = decode_lines(body, shape.encoding)
    lines[: shape.skip] = [""] * min(shape.skip, len(lines))  # so that lines keep their numbers
    names, found, bad = shape.columns, list[Line](), list[BadRow]()
    for row in rows(lines, delimiter_of(lines, shape.delimiter)):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not names:
            names = _named(row)
        elif len(row.cells) < len(names) or any(cell.strip() for cell in row.cells[len(names) :]):
            reason = f"{len(row.cells)} columns where there should be {len(names)}"
            bad.append(BadRow(number=row.number, reason=reason))
        else:
            line = Line(zip(names, (cell.strip() for cell in row.cells), strict=False))
            line.number = row.number
            found.append(line)
    if len(found) > MOST_RECORDS:
        raise Unreadable(f"over {MOST_RECORDS} rows: send the file in parts")
    return found, bad


def _named(row: Row) -> tuple[str, ...]:
    """The header; the second column of a name is "name 2"."""
    names: list[str] = []
    for cell in row.cells:
        name, again = cell.strip(), 1
        while name in names:
            again += 1
            name = f"{cell.strip()} {again}"
        names.append(name)
    return tuple(names)


def things(block: Block, scope: Scope, *, each: Expression | None) -> Iterator[Scope]:
    """The scopes of the things that a part is about: one, or those that `each` finds, by `group` and where `when`
    holds. A thing of a group is its first row, with all of them under "rows"."""
    found = scope.here if each is None else each.of(scope)
    if found is None:
        return
    # Rows of a file are taken one by one without being asked for; anything else is one thing until `each` says so.
    many = found if isinstance(found, list) and (each is not None or scope.above is None) else [found]
    inside = [scope.inside(one) for one in many]
    if block.group is not None:
        inside = _grouped(inside, (*block.fields.get("owner", ()), block.group), scope)
    for one in inside:
        if block.when is None or _holds(block.when.of(one)):
            yield one


def _grouped(scopes: list[Scope], group: tuple[Expression, ...], above: Scope) -> list[Scope]:
    """Things that agree in all of `group` together; one that says nothing there stays alone."""
    groups: dict[Any, list[Any]] = {}
    for place, one in enumerate(scopes):
        values = [text(expression.of(one)) for expression in group]
        groups.setdefault((place,) if values[-1] is None else tuple(values), []).append(one.here)
    return [above.inside(_together(members)) for members in groups.values()]


def _together(members: list[Any]) -> Any:
    first = members[0] if isinstance(members[0], Mapping) else {}
    one = Line({**first, "rows": members})
    one.number = getattr(members[0], "number", 0)
    return one


def _holds(value: Any) -> bool:
    """JMESPath's own truth: 0 is true, empty is not."""
    return value is not None and value is not False and value not in ("", [], {})
