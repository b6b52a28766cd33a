"""Signatures and bearer tokens, compared in constant time against every active secret."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import parse_qs, urlsplit

from engine.contracts import Refused

NO_SECRET = "the connection has no secret: give it one with --set secret=..."  # noqa: S105 says that there is none


def base64_hmac(body: bytes, secret: str) -> bytes:
    """base64(HMAC-SHA256(body, secret)), as Shopify and WooCommerce sign."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256"))


def hex_hmac(body: bytes, secret: str) -> bytes:
    """hex(HMAC-SHA256(body, secret)), in lower case."""
    return hmac.digest(secret.encode(), body, "sha256").hex().encode()


def any_fits(given: Iterable[bytes], expected: Sequence[bytes]) -> bool:
    """Is one of these an expected one? All are compared: the time it takes must not tell which nearly was."""
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    return any(matches)


def bearer(authorization: str | None) -> bytes | None:
    """The token of an `authorization` header; None for another scheme or no header."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip().encode() if scheme.lower() == "bearer" else None


def refusal(
    body: bytes,
    signature: str | None,
    secrets: Sequence[str],
    header: str,
    sign: Callable[[bytes, str], bytes] = base64_hmac,
) -> Refused | None:
    """None when `signature` fits one of the secrets, else why not. `sign` makes the expected one of body and secret.

    `header` is the name to tell the operator. Neither the secret nor the expected signature is in the reason.
    """
    usable = [secret for secret in secrets if secret]
    if not usable:
        return Refused(reason=NO_SECRET)
    if not signature:
        return Refused(reason=f"the header {header} is missing")
    if any_fits([signature.strip().encode()], [sign(body, secret) for secret in usable]):
        return None
    return Refused(reason=f"{header} does not fit the body: check the secret")


def token_in_url(url: str, secrets: Sequence[str]) -> Refused | None:
    """None when the query of `url` brings one of the secrets as `token`, else why not: for senders that do not sign.

    All that such a sender proves is that it knows the address. The address is never in the reason.
    """
    usable = [secret.encode() for secret in secrets if secret]
    if not usable:
        return Refused(reason=NO_SECRET)
    try:
        given = parse_qs(urlsplit(url).query, errors="surrogateescape").get("token", [])
    except ValueError:
        given = []
    if not given:
        return Refused(reason="the address brings no token: register it at the sender with ?token=<secret> at its end")
    if any_fits([one.encode(errors="surrogateescape") for one in given], usable):
        return None
    return Refused(reason="the token in the address is not the secret of this connection")
