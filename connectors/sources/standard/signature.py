"""Is a delivery genuine? Signed as Standard Webhooks says, or with the secret as a bearer token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders import standard_webhooks
from connectors.parts.senders.signing import any_fits, bearer
from connectors.parts.senders.standard_webhooks import SIGNED, identify
from engine.contracts import Delivery, Refused, Verified

__all__ = ["identify", "verify"]


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check signature and age; the key is the sender's webhook-id, which a retry repeats.

    A sender that can only set a fixed header may give `authorization: Bearer <secret>` instead; then
    nothing but the connection to us protects body and age, and no delivery id is known.
    """
    headers = delivery.headers
    usable = [secret for secret in secrets if secret.strip()]
    if usable and not any(name in headers for name in SIGNED) and "authorization" in headers:
        return _bearer(headers["authorization"], usable)
    return standard_webhooks.verify(delivery, usable, now)


def _bearer(authorization: str, secrets: Sequence[str]) -> Verified | Refused:
    token = bearer(authorization)
    if token is not None and any_fits([token], [secret.encode() for secret in secrets]):
        return Verified(by="bearer")
    return Refused(reason="authorization is not `Bearer` with the secret of this connection")
