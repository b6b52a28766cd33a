"""Signatures and bearer tokens, compared in constant time against every active secret."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence

from engine.contracts import Refused


def base64_hmac(body: bytes, secret: str) -> bytes:
    """base64(HMAC-SHA256(body, secret)), as Shopify and WooCommerce sign."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256"))


def any_fits(given: Iterable[bytes], expected: Sequence[bytes]) -> bool:
    """Is one of these an expected one? All are compared: the time it takes must not tell which nearly was."""
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    return any(matches)


def bearer(authorization: str | None) -> bytes | None:
    """The token of an `authorization` header; None for another scheme or no header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip().encode() if scheme.lower() == "bearer" else None


def refusal(body: bytes, signature: str | None, secrets: Sequence[str], header: str) -> Refused | None:
    """None when `signature` (base64 HMAC-SHA256) fits one of the secrets, else why not.

    `header` is the name to tell the operator. Neither the secret nor the expected signature is in the reason.
    """
    usable = [secret for secret in secrets if secret]
    if not usable:
        return Refused(reason="the connection has no secret: give it one with --set secret=...")
    if not signature:
        return Refused(reason=f"the header {header} is missing")
    if any_fits([signature.strip().encode()], [base64_hmac(body, secret) for secret in usable]):
        return None
    return Refused(reason=f"{header} does not fit the body: check the secret")
