"""Keys that a system publishes (RFC 7517), and detached signatures by them (RFC 7515 appendix F, RFC 7797).

Only RS256 is checked and "none" or HMAC never is: whoever may choose the algorithm chooses the key as well.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

SMALLEST, LARGEST = 2048, 8192  # bits; a smaller key can be broken, a larger one only costs time
MOST_KEYS = 20


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a signature does not hold."""

    reason: str
    unknown_key: bool = False


@dataclass(frozen=True, kw_only=True)
class Key:
    """One published key; `kid` is its name."""

    kid: str | None
    public: RSAPublicKey

    def has_signed(self, signature: bytes, signed: bytes) -> bool:
        """By RS256."""
        try:
            self.public.verify(signature, signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


def is_key_set(text: str) -> bool:
    """Whether the text is a JSON Web Key Set, rather than a secret that somebody has typed."""
    return text.lstrip().startswith("{") and isinstance(_object(text.encode()).get("keys"), list)


@lru_cache(maxsize=64)
def key_set(text: str) -> tuple[Key, ...]:
    """The RSA keys of a key set that may sign; others, and what cannot be understood, are left out."""
    listed = _object(text.encode()).get("keys")
    found = (_key(row) for row in listed[:MOST_KEYS] if isinstance(row, dict)) if isinstance(listed, list) else ()
    return tuple(key for key in found if key)


def check_detached(signature: str, body: bytes, keys: Sequence[Key], header: str) -> Fault | None:
    """None when "<header>..<signature>" is RS256 of `body` by one of the keys, else why not; `header` is the name of
    the HTTP header it stood in, to tell the operator. Without "b64": false the
    body is signed in its base64 form, as RFC 7515 has it."""
    protected, dot, rest = signature.partition(".")
    middle, _, sign = rest.rpartition(".")
    told, given = _header(protected), _bytes(sign)
    if not dot or middle or told is None or not given:
        return Fault(reason=f"{header} is not a detached JSON Web Signature")
    if told.get("alg") != "RS256":
        return Fault(reason=f"{header} is not made by RS256")
    critical = told.get("crit", ["b64"])
    if critical != ["b64"] or told.get("b64", True) not in (True, False):
        return Fault(reason=f"{header} asks for something that we do not know (crit)")
    kid = told.get("kid")
    candidates = [key for key in keys if kid is None or key.kid is None or key.kid == kid]
    if not candidates:
        return Fault(reason=f"{header} is made with a key that we do not know yet", unknown_key=True)
    payload = body if told.get("b64") is False else urlsafe_b64encode(body).rstrip(b"=")
    signed = protected.encode() + b"." + payload
    if any(key.has_signed(given, signed) for key in candidates):
        return None
    return Fault(reason=f"{header} does not fit the body")


def _key(row: Mapping[str, Any]) -> Key | None:
    if row.get("kty") != "RSA" or row.get("use", "sig") != "sig" or row.get("alg", "RS256") != "RS256":
        return None
    modulus, exponent = _number(row.get("n")), _number(row.get("e"))
    kid = row.get("kid")
    if not (SMALLEST <= modulus.bit_length() <= LARGEST and 3 <= exponent < 2**33):
        return None
    try:
        public = RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return None
    return Key(kid=kid if isinstance(kid, str) else None, public=public)


def _header(text: str) -> Mapping[str, Any] | None:
    raw = _bytes(text)
    return _object(raw) or None if raw else None


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(text: object) -> int:
    return int.from_bytes(_bytes(text) or b"", "big") if isinstance(text, str) and len(text) < 4000 else 0


def _bytes(text: str) -> bytes | None:
    """base64url without its padding; None when it is none."""
    if not text.isascii():
        return None
    try:
        return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (Error, ValueError):
        return None
