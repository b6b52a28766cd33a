"""Which column holds what: told by the connection, or recognised by its header."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from connectors.parts.bodies.tables import load_table
from engine.contracts import Unreadable

PREFIX = "column."
HOW = "type `--set column.order_number=1 --set column.tracking_number=2 ...` (field = header or number)"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Field -> index of its column. `header` tells whether the first row is one; `names` are its texts."""

    fields: Mapping[str, int]
    header: bool
    names: tuple[str, ...]
    width: int | None  # cells every row must have; None without a header: enough for the columns used

    def place(self, field: str) -> str:
        """Words for a column of the file: what was mapped and where it stands."""
        index = self.fields[field]
        name = f" {self.names[index].strip()}" if self.header else ""
        return f"{field} (column {index + 1}{name})"


def layout_of(first: Sequence[str], config: Mapping[str, str]) -> Layout:
    """Return the layout, from the first row and the connection's `header` and `column.*` settings.

    Raises Unreadable, saying what to type, when a column cannot be found or none holds the order number.
    """
    told = {name.removeprefix(PREFIX): value for name, value in config.items() if name.startswith(PREFIX)}
    strangers = sorted(set(told) - set(synonyms()))
    if strangers:
        raise Unreadable(f"setting column.{strangers[0]}: no such field; known are {', '.join(synonyms())}")
    setting = config.get("header", "auto").strip().lower()
    if setting not in ("yes", "no", "auto"):
        raise Unreadable("setting header: expected yes, no or auto")
    cells = [plain(cell) for cell in first]
    recognised = {
        field: cells.index(name)
        for field, names in synonyms().items()
        for name in reversed(names)  # the first name that stands in the file stays
        if name in cells
    }
    named = {plain(value) for value in told.values() if not _is_number(value)}
    header = setting == "yes" or (setting == "auto" and (len(recognised) > 1 or bool(named & set(cells))))
    if not header and (named or not told):
        raise Unreadable(f"the first row has no header that we know: {HOW}")
    mapped = {field: _told(field, value, cells, header) for field, value in told.items()}
    # Who says that 伝票番号 is the order number also says that it is no tracking number.
    free = {field: index for field, index in recognised.items() if index not in mapped.values()}
    fields = {**(free if header else {}), **mapped}
    if "order_number" not in fields and "tracking_number" not in fields:
        raise Unreadable(f"no column holds the order number or the tracking number: {HOW}")
    return Layout(fields=fields, header=header, names=tuple(first), width=len(first) if header else None)


def _told(field: str, value: str, cells: Sequence[str], header: bool) -> int:
    if _is_number(value):
        index = int(unicodedata.normalize("NFKC", value)) - 1
        if not 0 <= index < len(cells):
            raise Unreadable(f"setting column.{field}: the file has {len(cells)} columns, counted from 1")
        return index
    if not header or plain(value) not in cells:
        raise Unreadable(f"setting column.{field}: the header has no such text; {HOW}")
    return cells.index(plain(value))


def _is_number(value: str) -> bool:
    return bool(re.fullmatch(r"\s*\d{1,4}\s*", value))


@cache
def synonyms() -> dict[str, list[str]]:
    """Our field -> header texts, as compared, the best first."""
    table = load_table(Path(__file__).with_name("headers.yaml"))
    return {field: [plain(name) for name in names] for field, names in table.items()}


def plain(header: str) -> str:
    """A header text as compared: case, width, spaces and separators do not count."""
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", header).casefold())
