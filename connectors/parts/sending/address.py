"""One mail address as people have it, in the form that travels: in headers and in SMTP commands alike.

Lenient where live mailboxes are: docomo and au gave out `foo..bar@` and `foo.@` until 2009, which
email-validator refuses (EC-CUBE/ec-cube#1325 counts 2,000 at one shop). Such a local part is legal
once quoted (RFC 5321 §4.1.2), so it is quoted and its own server decides. Strict where it is not:
one address, no display name, nothing that could end a header or a command.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_ATOMS_AND_DOTS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])+"')
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?=[^.]*[A-Za-z])(?:{_LABEL})")
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 253  # octets, RFC 5321 §4.5.3.1 and RFC 1035 §2.3.4


class BadAddress(ValueError):
    """Nothing can be sent to this address. `reason` says why without repeating the address; `header` is
    where it stood ("To" is the recipient's), empty when the address was looked at by itself."""

    def __init__(self, reason: str, header: str = "") -> None:
        super().__init__(f"{header}: {reason}" if header else reason)
        self.reason = reason
        self.header = header


def address(text: str) -> str:
    """The wire form of exactly one address: local part quoted where it must be, domain as A-labels.

    `foo..bar@docomo.ne.jp` gives `"foo..bar"@docomo.ne.jp`; the case of the local part is kept. A
    local part outside ASCII stays as it is (RFC 6531), and the mail server must speak SMTPUTF8.
    Raises BadAddress.
    """
    for char in text:
        if not " " <= char <= "~" and unicodedata.category(char)[0] in "CZ":
            raise BadAddress(f"an address cannot hold the character U+{ord(char):04X}")
    local, at, host = text.strip(" ").rpartition("@")
    if not at or not local:
        raise BadAddress("an address is a name, @ and a domain")
    return f"{_local_part(local)}@{domain(host)}"


def _local_part(local: str) -> str:
    if len(local.encode()) > _LONGEST_LOCAL:
        raise BadAddress(f"the part before @ is longer than {_LONGEST_LOCAL} octets")
    if _DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local):
        return local
    if _ATOMS_AND_DOTS.fullmatch(local):
        return f'"{local}"'
    if local.isascii():
        raise BadAddress("the part before @ holds a space or a character that belongs in quotes")
    if not _DOT_ATOM.fullmatch("".join(char if char.isascii() else "x" for char in local)):
        raise BadAddress("the part before @ is not a name")
    return unicodedata.normalize("NFC", local)


@lru_cache(maxsize=4096)
def domain(text: str) -> str:
    """The domain in lower case and A-labels (`日本語.jp` gives `xn--wgv71a119e.jp`). Raises BadAddress."""
    found = text
    if not text.isascii():
        try:
            found = validate_email(f"x@{text}", check_deliverability=False).ascii_domain
        except EmailNotValidError:
            raise BadAddress("the domain is not a valid international name") from None
    if len(found) > _LONGEST_DOMAIN or not _DOMAIN.fullmatch(found):
        raise BadAddress("the domain must be a full name such as example.co.jp")
    return found.lower()
