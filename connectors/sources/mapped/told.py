"""One delivery being read: asks the expressions of a part, converts what they find, and gathers what goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.parts.values import loose, values
from connectors.parts.values.values import When
from connectors.sources.mapped import convert
from connectors.sources.mapped.expressions import Expression, Scope
from connectors.sources.mapped.mapping import Block, Mapped
from connectors.sources.mapped.words import Meaning, looked_up, raw_word
from engine.contracts import BadRow

T = TypeVar("T")
# An undated status is true now. But a list of last year's parcels is not news: then the newest date holds.
NEWS = timedelta(days=14)
Asked = tuple[str, str, str]  # part, field, expression


@dataclass(kw_only=True)
class Told:
    """`number` is the line or the count of the record that is being read, from 1. `asked` and `found` count, for each
    expression, how often it was asked and how often it gave something, where somebody wants to know (`traced`).
    `undated` are statuses left out because nobody says when they began."""

    mapping: Mapped
    zone: str
    currency: str
    received_at: datetime
    headers: Mapping[str, str]
    traced: bool = False
    number: int = 0
    bad: list[BadRow] = field(default_factory=list)
    unmapped: dict[str, None] = field(default_factory=dict)
    asked: Counter[Asked] = field(default_factory=Counter)
    found: Counter[Asked] = field(default_factory=Counter)
    undated: Counter[str] = field(default_factory=Counter)

    def value(self, block: Block, name: str, scope: Scope) -> Any:
        """What the first of the field's expressions finds that finds anything."""
        for expression in block.fields.get(name, ()):
            found = expression.of(scope)
            if found is not None and found not in ("", [], {}):
                if self.traced:
                    self.trace(block, name, expression, 1)
                return found
            if self.traced:
                self.trace(block, name, expression, 0)
        return None

    def trace(self, block: Block, name: str, expression: Expression, found: int) -> None:
        """Note that an expression was asked, and whether it gave something."""
        key = (block.path, name, expression.source)
        self.asked[key] += 1
        self.found[key] += found

    def text(self, block: Block, name: str, scope: Scope) -> str | None:
        """The text of a field."""
        return convert.text(self.value(block, name, scope))

    def link(self, block: Block, name: str, scope: Scope) -> str | None:
        """A web address of a field."""
        return loose.link(self.text(block, name, scope))

    def code(self, block: Block, name: str, scope: Scope) -> str | None:
        """A number or id: full width becomes half width."""
        said = self.text(block, name, scope)
        return values.narrow(said) or None if said else None

    def read(self, block: Block, name: str, scope: Scope, convert: Callable[[Any], T | None]) -> T | None:
        """A converted field; None, and reported, when it cannot be."""
        found = self.value(block, name, scope)
        try:
            return None if found is None else convert(found)
        except ValueError as wrong:
            self.complain(f"{block.path} {name}: expected {wrong}")
            return None

    def when(self, block: Block, name: str, scope: Scope) -> When | None:
        """The day or moment of a field."""
        return self.read(block, name, scope, lambda found: convert.when(found, self.zone, self.mapping.date_formats))

    def past(self, block: Block, name: str, scope: Scope) -> datetime | None:
        """When a dated thing happened, not after the delivery came; None when it is still to come."""
        return values.past(self.when(block, name, scope), self.zone, self.received_at)

    def moment(self, block: Block, name: str, scope: Scope) -> datetime | None:
        """A moment that may be to come; of a day, its end."""
        said = self.when(block, name, scope)
        return None if said is None else said.at or values.day_bounds(said.day, self.zone)[1]

    def word_at(self, explicit: datetime | None, happened: list[datetime]) -> datetime:
        """Since when a status without a date holds."""
        newest = explicit or max(happened, default=self.received_at)
        return newest if explicit or self.received_at - newest > NEWS else self.received_at

    def meanings(
        self, block: Block, section: str, scope: Scope, more: Callable[[str], Meaning | None] = lambda _: None
    ) -> list[tuple[Meaning, str]]:
        """(what it means, the status as written) of every status of the part. `more` knows words that the mapping
        need not have; those that nobody knows are noted and mean "unknown"."""
        said: list[tuple[Meaning, str]] = []
        for expression in block.fields.get("status", ()):
            words = [*convert.texts(expression.of(scope))]
            if self.traced:
                self.trace(block, "status", expression, len(words))
            for word in words:
                known = looked_up(self.mapping.statuses, section, word)
                if known is None and (other := more(word)):
                    known = (other,)
                if known is None:
                    self.unmapped[raw_word(word)] = None
                said += [(one, word) for one in known or (Meaning(word="unknown"),)]
        return said

    def complain(self, reason: str) -> None:
        """Something of this record could not be read."""
        self.bad.append(BadRow(number=self.number, reason=reason))
