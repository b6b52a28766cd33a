"""DKIM as a receiver checks it, written from RFC 6376 (sections 3.4, 3.5, 3.7, 5.4.2) and RFC 8463, and from nothing of
ours. It is held against RFC 8463's own example before it judges what we sign."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def verify(data: bytes, *, dnsfunc: Callable[[bytes], bytes]) -> bool:
    """Does the first DKIM-Signature of this mail hold? Only relaxed/relaxed is understood."""
    head, _, body = data.partition(b"\r\n\r\n")
    fields = [field + b"\r\n" for field in re.split(rb"\r\n(?![ \t])", head)]
    place = next(n for n, field in enumerate(fields) if field.lower().startswith(b"dkim-signature:"))
    parts = [part.split(b"=", 1) for part in fields[place].split(b":", 1)[1].split(b";") if b"=" in part]
    tags = {name.strip().decode(): b"".join(value.split()) for name, value in parts}
    assert tags["c"] == b"relaxed/relaxed"
    if b64decode(tags["bh"]) != sha256(relaxed_body(body)).digest():
        return False
    left = [field for n, field in enumerate(fields) if n != place]
    signed = b""
    for name in tags["h"].lower().split(b":"):
        found = [n for n, field in enumerate(left) if field.split(b":", 1)[0].strip().lower() == name]
        if found:  # from the last one upwards, each once; one that is not there stands for nothing
            signed += relaxed(left.pop(found[-1]))
    own = re.sub(rb"([;:\s]b=)[^;]*", rb"\1", fields[place].rstrip(b"\r\n"))
    signed += relaxed(own).rstrip(b"\r\n")
    record = dnsfunc(tags["s"] + b"._domainkey." + tags["d"] + b".")
    return _fits(tags, record, signed)


def _fits(tags: dict[str, bytes], record: bytes, signed: bytes) -> bool:
    key = b64decode(dict(part.strip().split(b"=", 1) for part in record.split(b";") if b"=" in part)[b"p"])
    try:
        if tags["a"] == b"ed25519-sha256":
            Ed25519PublicKey.from_public_bytes(key).verify(b64decode(tags["b"]), sha256(signed).digest())
        else:
            public = load_der_public_key(key)
            assert isinstance(public, RSAPublicKey)
            public.verify(b64decode(tags["b"]), signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def relaxed(field: bytes) -> bytes:
    """Section 3.4.2."""
    name, value = field.split(b":", 1)
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip() + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """Section 3.4.4."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
