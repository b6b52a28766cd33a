"""Is a delivery from this shop?

Commerce "webhooks" can be signed: `x-adobe-commerce-webhook-signature` is base64(RSA-SHA256) over the base64 of the
body, though the page calls it HMAC. https://developer.adobe.com/commerce/extensibility/webhooks/signature-verification
Adobe I/O signs its events with keys of its own that change; for those the secret stands in the address.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connectors.parts.senders.jwks import Key
from connectors.parts.senders.signing import token_in_url
from engine.contracts import Delivery, Refused, Verified

SIGNATURE = "x-adobe-commerce-webhook-signature"
NO_KEY = "the webhook is signed, but the connection has no public key: give it one with --set public_key=..."
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every key in `public_key`, or else the token in the address."""
    signature = (delivery.headers.get(SIGNATURE) or "").strip()
    if not signature:
        return token_in_url(delivery.url, secrets) or identify(delivery)
    keys = _keys(delivery.config.get("public_key") or "")
    if not keys:
        return Refused(reason=NO_KEY)
    if any(_fits(key, signature, delivery.body) for key in keys):
        return identify(delivery)
    return Refused(reason=f"{SIGNATURE} does not fit the body: check the public key")


def identify(delivery: Delivery) -> Verified:
    """Adobe's id of the event and its type as the headers tell them, unchecked."""
    headers = delivery.headers
    return Verified(key=headers.get("x-adobe-event-id"), topic=headers.get("x-adobe-event-code"), by="token")


def _keys(text: str) -> list[Key]:
    """The RSA keys among the PEM blocks; line breaks may have become spaces on a command line."""
    found = []
    for block in _PEM.findall(text.replace("\\n", "\n")):
        head, body, tail = "-----BEGIN PUBLIC KEY-----", block[26:-24], "-----END PUBLIC KEY-----"
        try:
            key = load_pem_public_key("\n".join((head, "".join(body.split()), tail)).encode())
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, RSAPublicKey):
            found.append(Key(kid=None, public=key))
    return found


def _fits(key: Key, signature: str, body: bytes) -> bool:
    """What is signed is the body as Adobe's own runtime hands it over, in base64; the body itself is as good."""
    try:
        given = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(key.has_signed(given, signed) for signed in (b64encode(body), body))
