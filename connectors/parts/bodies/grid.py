"""Lines -> rows of cells (RFC 4180): a broken row costs itself, never the rows after it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.contracts import BadRow, Unreadable

DELIMITERS = {"auto": "", "comma": ",", ",": ",", "tab": "\t", "\t": "\t", "semicolon": ";", ";": ";"}
MAX_SPAN = 50  # lines of one row; an unclosed quote is given up after as many
UNCLOSED = "unexpected end of data"  # the csv module's words for a quote that is still open
BROKEN = "broken quotes: close every quote, and double the quotes inside a field"


@dataclass(frozen=True, kw_only=True)
class Row:
    """`number` is that of the row's first line in the file, from 1."""

    number: int
    cells: tuple[str, ...]


def delimiter_of(lines: Sequence[str | BadRow], setting: str) -> str:
    """The delimiter of the setting, or the one that the first line with text holds most often."""
    chosen = DELIMITERS.get(setting if setting == "\t" else setting.strip().lower())
    if chosen is None:
        raise Unreadable("setting delimiter: expected auto, comma, tab or semicolon")
    if chosen:
        return chosen
    first = next((line for line in lines if isinstance(line, str) and line.strip()), "")
    outside = "".join(first.split('"')[::2])
    return max(",\t;", key=outside.count)


def rows(lines: Sequence[str | BadRow], delimiter: str) -> Iterator[Row | BadRow]:
    """Yield every row that holds anything; a row may span lines inside quotes."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if isinstance(line, BadRow):
            yield line
            at += 1
            continue
        span, cells = _row(lines, at, delimiter)
        if cells is None:
            yield BadRow(number=at + 1, reason=BROKEN)
        elif any(cell.strip() for cell in cells):
            yield Row(number=at + 1, cells=tuple(cells))
        at += span


def _row(lines: Sequence[str | BadRow], at: int, delimiter: str) -> tuple[int, list[str] | None]:
    """Return (lines taken, cells); cells None and one line taken when the quotes do not close."""
    text = ""
    for span, line in enumerate(lines[at : at + MAX_SPAN], 1):
        if isinstance(line, BadRow):
            break
        text = f"{text}\n{line}" if span > 1 else line
        if '"' not in text:
            return 1, text.split(delimiter)
        try:
            parsed = list(csv.reader([text], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if str(error) == UNCLOSED:
                continue
            break
        return span, parsed[0]
    return 1, None
