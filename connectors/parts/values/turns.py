"""Whose turn it is: a few of many, from poll to poll, so that each is asked for again in the end."""

from __future__ import annotations

from collections.abc import Iterable


def in_turn(names: Iterable[str], after: str, most: int) -> list[str]:
    """The next `most` names behind `after` in the alphabet, which begins again behind its end."""
    ordered = sorted(names)
    return [*(one for one in ordered if one > after), *(one for one in ordered if one <= after)][: max(most, 0)]
