"""A mapping that is read from disk when it is first asked: most commands need no templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Late(Mapping[str, Value], Generic[Value]):
    """Behaves like what `read` returns; `read` is called once, and may raise what it raises."""

    def __init__(self, read: Callable[[], Mapping[str, Value]]) -> None:
        self._read = read

    @cached_property
    def _found(self) -> Mapping[str, Value]:
        return self._read()

    def __getitem__(self, name: str) -> Value:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
