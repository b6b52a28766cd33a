"""Signatures over the raw body, compared in constant time against every active secret."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence

from engine.contracts import Refused


def base64_hmac(body: bytes, secret: str) -> bytes:
    """base64(HMAC-SHA256(body, secret)), as Shopify and WooCommerce sign."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256"))


def refusal(body: bytes, signature: str | None, secrets: Sequence[str], header: str) -> Refused | None:
    """None when `signature` (base64 HMAC-SHA256) fits one of the secrets, else why not.

    `header` is the name to tell the operator. Neither the secret nor the expected signature is in the reason.
    """
    usable = [secret for secret in secrets if secret]
    if not usable:
        return Refused(reason="the connection has no secret: give it one with --set secret=...")
    if not signature:
        return Refused(reason=f"the header {header} is missing")
    given = signature.strip().encode()
    fits = [hmac.compare_digest(base64_hmac(body, secret), given) for secret in usable]  # all, not until one
    return None if any(fits) else Refused(reason=f"{header} does not fit the body: check the secret")
