"""What English asks of those who fill its sentences, and Japanese does not: numbers that agree with their words, and a
capital letter at the beginning."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z'-]+(?=[ ,:;]|$)")  # whatever holds dots, digits or marks is a name
_COMMAND = "todoke"


class Count(int):
    """A number whose format names what is counted, one and many: f"{Count(n):delivery waits|deliveries wait}" is
    "1 delivery waits" or "2 deliveries wait". Without that it is written as any number. It is a class because tables of
    words are filled by their slots."""

    def __format__(self, words: str) -> str:
        one, told, many = words.partition("|")
        return f"{int(self)} {one if self == 1 else many}" if told else super().__format__(words)


def sentence(text: str) -> str:
    """The text with a capital letter, unless it begins with a name (komorebi.example, dkim_key) or is a command."""
    word = _WORD.match(text)
    return text[:1].upper() + text[1:] if word and word[0] != _COMMAND else text
