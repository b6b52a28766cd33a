"""What a folder of files offers, wherever it is, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from engine.rules.drop import Entry

Alive = Callable[[], None]  # called now and then while much is read


class DropFailed(Exception):
    """The folder cannot be used. `why` is one of rules.errand.Why; the message names no secret."""

    def __init__(self, why: Literal["login", "request", "transport", "provider", "needs"], text: str) -> None:
        super().__init__(text)
        self.why = why


class Drop(Protocol):
    """A folder. Every method raises DropFailed. `whole`: what it lists is finished, and need not stand still first."""

    whole: bool

    def look(self) -> list[Entry]:
        """The files in it; no folders, links, or anything else."""

    def read(self, entry: Entry, alive: Alive) -> bytes | None:
        """What stands in the file, as long as it is as it was listed; None when it has changed or is gone."""

    def put_away(self, name: str, folder: str, filed: str, reason: str | None) -> None:
        """Move a file into a folder beside it: under its name, or as `filed` when there is one of that name already.
        A `reason` is written beside it. A file that is gone has been put away by somebody else."""

    def close(self) -> None:
        """Nothing more is wanted."""
