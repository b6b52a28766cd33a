"""Did you mean ...? For words that people type."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

FEW = 12


def meant(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'order.paid'?", or what there is to choose from when nothing comes close."""
    choices = sorted(set(known))
    if close := get_close_matches(word, choices, n=1):
        return f"did you mean {close[0]!r}?"
    if not choices:
        return "there is none yet"
    more = ", ..." if len(choices) > FEW else ""
    return "there are " + ", ".join(choices[:FEW]) + more
