"""What the subjects at hand are called, both ways: names that sources use, and order numbers."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from engine.store import facts
from engine.store.session import Tx


class Called:
    """Who goes by these names and order numbers, as the database knows it and as this batch adds to it."""

    def __init__(self, tx: Tx, names: Collection[str], numbers: Collection[str]) -> None:
        self._tx = tx
        self._owner = facts.aliases(tx, names)
        self._numbers = facts.numbered(tx, numbers)
        self._new: dict[str, int] = {}  # names that this batch has added

    @property
    def subjects(self) -> set[int]:
        """Everybody who goes by one of them."""
        return {*self._owner.values(), *(one for found in self._numbers.values() for one in found)}

    @property
    def new(self) -> list[tuple[str, int]]:
        """The names that were added, with the subject that goes by each now."""
        return list(self._new.items())

    def owner(self, name: str) -> int | None:
        """The subject of that name."""
        return self._owner.get(name)

    def owners(self, names: Collection[str]) -> list[int]:
        """The subjects of those names, each once, in the order of the names."""
        return list(dict.fromkeys(self._owner[name] for name in names if name in self._owner))

    def numbered(self, text: str | None) -> list[int]:
        """The subjects that carry the order number, oldest first."""
        return self._numbers.get(text or "", [])

    def order_names(self, subject: int) -> set[str]:
        """The names of orders that the subject goes by."""
        return {name for name in self._by_subject.get(subject, ()) if name.startswith("order:")}

    def order_numbers(self, subject: int) -> set[str]:
        """The order numbers under which it was looked for and found."""
        return {text for text, found in self._numbers.items() if subject in found}

    def add(self, names: Collection[str], number: str | None, subject: int) -> None:
        """The subject goes by these from now on, where nobody else does."""
        for name in names:
            if name not in self._owner:
                self._owner[name] = self._new[name] = subject
                self._by_subject.setdefault(subject, set()).add(name)
        if number and subject not in self._numbers.setdefault(number, []):
            self._numbers[number].append(subject)

    def move(self, moved: dict[int, int]) -> None:
        """Subjects go by another id now: they were joined, or have got their row."""
        self._owner = {name: moved.get(n, n) for name, n in self._owner.items()}
        self._new = {name: moved.get(n, n) for name, n in self._new.items()}
        self._numbers = {
            text: list(dict.fromkeys(moved.get(n, n) for n in found)) for text, found in self._numbers.items()
        }
        for gone, into in moved.items():
            self._by_subject.setdefault(into, set()).update(self._by_subject.pop(gone, ()))

    @cached_property
    def _by_subject(self) -> dict[int, set[str]]:
        """Subject -> every name it goes by, asked of the database once for all of them."""
        found = facts.names_of(self._tx, self.subjects)
        for name, subject in self._owner.items():
            found.setdefault(subject, set()).add(name)
        return found
