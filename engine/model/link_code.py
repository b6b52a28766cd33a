"""Codes that people send from an account of theirs, to show that the account and the page with the code are theirs."""

from __future__ import annotations

import re
from unicodedata import normalize

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # of base32: nothing that looks like a 0 or a 1
GROUPS, GROUP = 3, 4  # 60 bits: a code lives for minutes, and each guess is a message that somebody sends
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff70", "-"))
_CODE = re.compile(
    rf"(?<![{ALPHABET}-])[{ALPHABET}]{{{GROUP}}}(?:-[{ALPHABET}]{{{GROUP}}}){{{GROUPS - 1}}}(?![{ALPHABET}-])"
)


def code_in(text: str) -> str | None:
    """The code in what somebody has sent, as it was given out: "abcd-efgh-ijkl". Telephones write its dashes and its
    letters in their own ways. None where there is none, or more than one."""
    found = set(_CODE.findall(normalize("NFKC", text).translate(_DASHES).casefold()))
    return found.pop() if len(found) == 1 else None
