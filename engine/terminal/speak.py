"""How commands speak: tables for people, one JSON array for programs, and errors that say what to type next.

What was asked for goes to standard output, everything else to standard error. Colour only on a terminal,
and never with NO_COLOR.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from engine.flow.app import App

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, help="Rows at most.")]
OfMerchant = Annotated[str | None, typer.Option("--merchant", help="Slug; may be left out when there is one.")]
Setting = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; repeat it.")]

WIDTH = 100
Row = Mapping[str, Any]

# One colour per meaning, whatever the word.
COLOURS: Mapping[str, str] = {
    **dict.fromkeys(("sent", "delivered", "processed", "on", "accepted", "closed", "ok"), "green"),
    **dict.fromkeys(("planned", "leased", "sending", "new", "deferred", "sent again"), "cyan"),
    **dict.fromkeys(
        ("suppressed", "cancelled", "expired", "not started", "muted", "ignored", "off", "warning"), "yellow"
    ),
    **dict.fromkeys(("dead", "unknown", "parked", "open", "error"), "red"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table. `of` takes a row to its text; `whole` keeps it on one line."""

    title: str
    of: Callable[[Row], Any]
    whole: bool = False


def refuse(what: str, expected: str, then: str) -> NoReturn:
    """End with exit code 1 and three lines: what is wrong and where, what was expected, what to type next."""
    for line in (what, f"expected: {expected}", f"type: {then}"):
        typer.echo(" ".join(line.split()), err=True)
    raise typer.Exit(1)


def say(text: str) -> None:
    """A sentence beside the answer: to standard error, so that it never mixes with rows."""
    typer.echo(text, err=True)


def listing(rows: Sequence[Row], columns: Sequence[Column], *, as_json: bool, empty: str) -> None:
    """Print rows: as one JSON array, or as a table. `empty` says what to do when there are none."""
    if as_json:
        answer(rows)
    elif rows:
        table(rows, columns)
    else:
        say(empty)


def answer(value: Any) -> None:
    """Print one JSON value."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def table(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print a table that fits 100 columns, or the terminal when that is narrower."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        drawn.add_column(column.title, no_wrap=column.whole, overflow="fold")
    for row in rows:
        cells = [shown(column.of(row)) for column in columns]
        drawn.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
    console().print(drawn)


def console(*, errors: bool = False) -> Console:
    """A console over standard output or standard error, plain text where it is no terminal."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    width = min(WIDTH, os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else WIDTH
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") or not stream.isatty() else "auto"
    return Console(file=stream, width=width, color_system=colours, highlight=False, emoji=False)


def shown(value: Any) -> str:
    """A value as people read it: times to the minute in this machine's zone, nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return str(value)


def moment(text: str | None) -> str:
    """An ISO time of a row, as people read it."""
    return shown(datetime.fromisoformat(text) if text else None)


def brief(text: str | None) -> str:
    """The same without the year, for rows that are about these weeks."""
    return shown(datetime.fromisoformat(text).astimezone().strftime("%m-%d %H:%M") if text else None)


def iso(at: datetime | None) -> str | None:
    """A time as programs read it: ISO 8601 with its offset."""
    return at.isoformat() if at else None


def pairs(given: Sequence[str] | None, then: str) -> list[tuple[str, str]]:
    """key=value texts as pairs, in their order. Refuses a text without "="."""
    found = []
    for text in given or ():
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            refuse(f"{key!r} is no setting", "key=value", then)
        found.append((key.strip(), value))
    return found


@contextmanager
def opened(context: typer.Context) -> Iterator[App]:
    """The installation, closed again afterwards. Refuses with what to do when it cannot be put together."""
    from engine.terminal.trouble import explain, late

    try:
        app: App = context.obj()
    except Exception as failed:
        known = explain(failed)
        if known is None:
            raise
        refuse(*known)
    try:
        yield app
    except Exception as failed:
        known = explain(failed) if late(failed) else None  # journeys and templates are read when first asked for
        if known is None:
            raise
        refuse(*known)
    finally:
        app.store.close()
