"""Places in a mapping file: what stands at one, of the kind that belongs there, or a mistake that names its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from connectors.parts.bodies.told_yaml import Document, Path
from connectors.sources.mapped.expressions import Expression, Wrong, compiled
from engine.contracts import Unreadable


class Mistake(Unreadable):
    """The mapping cannot be used; the message says where and what was meant."""


@dataclass(frozen=True)
class Places:
    """The places of one document."""

    document: Document

    def expression(self, value: Any, path: Path) -> Expression:
        """The expression of a text."""
        if not isinstance(value, str):
            raise self.wrong(path, f"{path[-1]}: expected an expression (JMESPath), as buyer.email")
        try:
            return compiled(value)
        except Wrong as error:
            spaced = " ".join(value.split())
            hint = f"; a name with spaces or signs stands in quotes: '\"{spaced}\"'" if value.strip() else ""
            raise self.wrong(path, f"{path[-1]}: {value[:60]!r} is no expression: {error}{hint}") from None

    def table(self, value: Any, path: Path) -> dict[str, Any]:
        """The mapping that stands there. Raises Mistake."""
        if not isinstance(value, dict):
            raise self.wrong(path, f"{path[-1] if path else 'the file'}: expected a mapping (key: value)")
        return value

    def items(self, value: Any, path: Path) -> Sequence[Any]:
        """A list, or a single thing as a list of one."""
        return value if isinstance(value, list) else [value]

    def word(self, told: Mapping[str, Any], key: str, path: Path, default: str = "") -> str:
        """The text under the key. Raises Mistake."""
        value = told.get(key, default)
        if not isinstance(value, str):
            raise self.wrong((*path, key), f"{key}: expected a text")
        return value.strip()

    def choice(self, told: Mapping[str, Any], key: str, path: Path, choices: Sequence[str], default: str) -> str:
        """One of a few words. Raises Mistake."""
        value = self.word(told, key, path, default).lower()
        if value not in choices:
            listed = ", ".join(choices)
            raise self.wrong((*path, key), f"{key}: {value[:40]!r} is none of {listed}{self.meant(value, choices)}")
        return value

    def known(self, told: Mapping[str, Any], allowed: Iterable[str], path: Path) -> None:
        """Every key is one there is. Raises Mistake."""
        for key in told:
            if key not in (names := tuple(allowed)):
                meant = self.meant(key, names) or f"; there are {', '.join(names)}"
                raise self.wrong((*path, key), f"there is no key {key[:40]!r} here{meant}")

    def meant(self, word: str, choices: Iterable[str]) -> str:
        """Words for what was probably meant, or nothing."""
        close = get_close_matches(word.lower(), [*choices], n=1, cutoff=0.6)
        return f"; did you mean {close[0]}?" if close else ""

    def wrong(self, path: Path, what: str) -> Mistake:
        """The mistake at that place."""
        return Mistake(f"mapping line {self.document.line(path)}: {what}")
