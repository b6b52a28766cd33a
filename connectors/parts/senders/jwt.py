"""Tokens that an account makes for itself by its private key (RFC 7519; RFC 7518 §3.3)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from engine.contracts import Unanswered


def rs256(claims: Mapping[str, Any], pem: str, setting: str) -> str:
    """A token by an RSA key in PEM. The same claims give the same token. Raises Unanswered("login") for what is no such
    key; `setting` is where it came from."""
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Unanswered("login", f"{setting} is no RSA key in PEM")
    text = ".".join(_url64(msgspec.json.encode(one)) for one in ({"typ": "JWT", "alg": "RS256"}, claims))
    return f"{text}.{_url64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _url64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
