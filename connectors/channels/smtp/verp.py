"""An envelope sender of its own for every mail (VERP): whatever comes back to it tells which mail it is about, however
little else it says. It holds a code that nobody without the connection's secret can make for another mail."""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from connectors.parts.senders.signing import any_fits
from connectors.parts.sending.address import BadAddress, address
from engine.model.message import Envelope

LONGEST_LOCAL = 64  # octets, RFC 5321 section 4.5.3.1.1
LONGEST_OWN = 24  # characters before the plus: the rest is ours
CODE = 12  # characters of base32, 60 bits: each guess at one is a mail


@dataclass(frozen=True)
class About:
    """The message that something is about, and its merchant's slug where that fitted."""

    message: str
    merchant: str | None = None


def sender(envelope: Envelope, bounces: str, secret: str) -> str:
    """`bounce+<message>.<code>.<merchant>@b.example.jp` for `bounces` = bounce@b.example.jp. The merchant is left out
    where it does not fit, which only a connection of several merchants misses. Raises BadAddress (header "bounces")."""
    try:
        local, _, host = address(bounces).rpartition("@")
        made = f"{local}+{envelope.id}.{_code(secret, envelope.id, '')}"
        longer = f"{local}+{envelope.id}.{_code(secret, envelope.id, envelope.merchant)}.{envelope.merchant}"
        return address(f"{longer if len(longer) <= LONGEST_LOCAL else made}@{host}")
    except BadAddress as error:
        raise BadAddress(error.reason, "bounces") from None


def claimed(texts: Iterable[str], bounces: str) -> Iterator[tuple[About, str]]:
    """What addresses of that form in these texts say, with their codes, which are not checked yet. Case does not count:
    some servers change it."""
    local, _, host = bounces.rpartition("@")
    if not local:
        return
    shape = re.compile(
        rf"{re.escape(local)}\+(m_[a-z0-9_-]{{1,40}})\.([a-z2-7]{{{CODE}}})(?:\.([a-z0-9_-]{{1,40}}))?@{re.escape(host)}",
        re.IGNORECASE,
    )
    for text in texts:
        for found in shape.finditer(text):
            yield About(found[1].lower(), found[3] and found[3].lower()), found[2].lower()


def genuine(about: About, code: str, secrets: Sequence[str]) -> bool:
    """Was the address made with one of these secrets?"""
    known = [_code(secret, about.message, about.merchant or "").encode() for secret in secrets if secret]
    return any_fits([code.encode()], known)


def _code(secret: str, message: str, merchant: str) -> str:
    text = f"verp\0{message}\0{merchant}".lower().encode()
    return b32encode(hmac.digest(secret.encode(), text, sha256)).decode().lower()[:CODE]
