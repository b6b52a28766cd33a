"""DKIM (RFC 6376, Ed25519 by RFC 8463) over a mail that is put together already.

Written here because the library for it reckons RSA in plain Python and comes without a wheel, while `cryptography` is
here anyway. Both signatures are deterministic: equal arguments give equal bytes.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from textwrap import wrap

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

# What readers see and what receivers act upon; RFC 8058 section 4 demands both List-Unsubscribe headers.
SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references", "mime-version",
    "content-type", "content-transfer-encoding", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post",
    "x-todoke-message",
)  # fmt: skip
ONCE_MORE = ("from", "to", "subject", "reply-to")  # named once more than they stand: nobody can add another
SMALLEST = 1024  # bits of RSA that receivers still take (RFC 8301)
_WIDEST, _LINE = 72, "\r\n "  # columns, and what begins the next of them
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


class BadKey(ValueError):
    """The DKIM settings cannot be used; the message names the setting and never its value."""


def sign(data: bytes, *, key: str, selector: str, domain: str, at: datetime) -> bytes:
    """The mail with a DKIM-Signature before it, relaxed/relaxed, made at `at` (aware). `key` is a private RSA or
    Ed25519 key in PEM, or base64 of PKCS #8. Raises BadKey."""
    private = _loaded(key)
    head, _, body = data.partition(b"\r\n\r\n")
    headers = [_relaxed(line) for line in _FOLD.sub(b"", head).split(b"\r\n")]
    standing = {name.decode(): line for name, _, line in ((*line.partition(b":")[:2], line) for line in headers)}
    names = [name for name in SIGNED if name in standing]
    kind = "ed25519-sha256" if isinstance(private, Ed25519PrivateKey) else "rsa-sha256"
    digest = b64encode(sha256(_relaxed_body(body)).digest()).decode()
    told = (
        f"v=1; a={kind}; c=relaxed/relaxed; d={domain};", f"s={selector}; t={int(at.timestamp())};",
        *wrap(f"h={': '.join((*names, *ONCE_MORE))};", _WIDEST, break_on_hyphens=False), f"bh={digest};", "b=",
    )  # fmt: skip
    unsigned = f"DKIM-Signature: {_LINE.join(told)}".encode()
    own = _relaxed(_FOLD.sub(b"", unsigned))
    text = b"\r\n".join([*(standing[name] for name in names), own])
    if isinstance(private, Ed25519PrivateKey):
        signature = private.sign(sha256(text).digest())
    else:
        signature = private.sign(text, PKCS1v15(), SHA256())
    value = _LINE.join(wrap(b64encode(signature).decode(), _WIDEST))
    return b"%b%b%b\r\n%b" % (unsigned, _LINE.encode(), value.encode(), data)


@lru_cache(maxsize=64)
def _loaded(key: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """Reading a key takes longer than signing with it."""
    try:
        if "-----BEGIN" in key:
            found = load_pem_private_key(key.strip().encode(), password=None)
        else:
            found = load_der_private_key(b64decode("".join(key.split()), validate=True), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("dkim_key: it is no private key in PEM without a password") from None
    if isinstance(found, Ed25519PrivateKey) or (isinstance(found, RSAPrivateKey) and found.key_size >= SMALLEST):
        return found
    raise BadKey(f"dkim_key: it must be RSA of {SMALLEST} bits or more, or Ed25519")


def _relaxed(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return b"%b:%b" % (name.strip().lower(), _BLANKS.sub(b" ", value).strip())


def _relaxed_body(body: bytes) -> bytes:
    if b" " in body or b"\t" in body:
        body = b"\r\n".join(_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    if body == b"\r\n":
        return b""
    return body if not body or body.endswith(b"\r\n") else body + b"\r\n"
