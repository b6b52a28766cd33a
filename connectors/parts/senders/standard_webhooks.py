"""Signatures by Standard Webhooks (HMAC-SHA256): headers webhook-id, webhook-timestamp, webhook-signature.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.parts.senders.signing import any_fits
from engine.contracts import Delivery, Refused, Verified

TOLERANCE = timedelta(minutes=5)  # both ways, as in the specification's reference libraries
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
SET_SECRET = "`--set secret=...` on the connection"  # noqa: S105 the name of an option
NO_SECRET = f"this connection has no secret yet: set one with {SET_SECRET} (base64 of 24 to 64 random bytes)"
BAD_SECRET = f"a secret of this connection is not base64, so it cannot check a signature: replace it by {SET_SECRET}"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check signature and age; the key is the sender's webhook-id, which a retry repeats."""
    headers = delivery.headers
    secrets = [secret for secret in secrets if secret.strip()]
    if not secrets:
        return Refused(reason=NO_SECRET)
    missing = [name for name in SIGNED if not headers.get(name)]
    if missing:
        return Refused(reason=f"header {' and '.join(missing)} missing: sign as Standard Webhooks says")
    identity, stamp, signatures = (headers[name] for name in SIGNED)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return Refused(reason="webhook-timestamp is not unix seconds (an integer)")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        return Refused(reason="webhook-timestamp is over 5 minutes away from now: check the sender's clock")
    given = [one.removeprefix("v1,").encode() for one in signatures.split() if one.startswith("v1,")]
    if not given:
        return Refused(reason="webhook-signature holds no v1 signature (HMAC-SHA256); v1a is not read here")
    keys = [key for key in map(signing_key, secrets) if key]
    if not keys:
        return Refused(reason=BAD_SECRET)
    signed = b".".join((identity.encode(), stamp.encode(), delivery.body))
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    if any_fits(given, expected):
        return Verified(key=identity)
    return Refused(reason="no webhook-signature matches: check the secret, and that the raw body was signed")


def identify(delivery: Delivery) -> Verified:
    """The sender's id as the headers tell it, unchecked: for a delivery that is trusted on other grounds."""
    return Verified(key=delivery.headers.get("webhook-id"))


def signing_key(secret: str) -> bytes | None:
    """The bytes of a secret in the specification's form: base64, `whsec_` before it or not.

    None when it is not base64. It is never taken as raw text: many a plain word is base64 too, and
    two readings of one secret would make a wrong signature a matter of luck.
    """
    encoded = secret.strip().removeprefix("whsec_").rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None
