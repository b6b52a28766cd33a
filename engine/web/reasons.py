"""Reasons of the ledger, and findings of checks, in the reader's language. They are written once, in English, for the
record and for the command line; a merchant reads them in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

Reader = Callable[[str | None], str]


def reasons(path: Path) -> Mapping[str, Reader]:
    """Locale -> a function that says a reason in it. The file holds pairs of an English pattern and what it is
    in Japanese ("\\1" for what the pattern caught); a reason that no pattern fits stays as it is.

    Raises OSError when there is no such file, re.error for a pattern that is none.
    """
    pairs = yaml.safe_load(path.read_text(encoding="utf-8"))
    table = [(re.compile(pattern, re.DOTALL), said) for pattern, said in pairs]

    def japanese(reason: str | None) -> str:
        for pattern, said in table:
            if found := pattern.fullmatch(reason or ""):
                return found.expand(said)
        return reason or ""

    return {"ja": japanese, "en": lambda reason: reason or ""}
