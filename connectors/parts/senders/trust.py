"""Is a posted file genuine? An HMAC over its bytes, or the secret in a header, for many can only do that."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders.signing import any_fits, bearer
from engine.contracts import Delivery, Refused, Verified

SIGNATURE = "x-todoke-signature"
SEND = f"send `{SIGNATURE}: sha256=<HMAC-SHA256 of the file, hex or base64>` or `authorization: Bearer <secret>`"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Any of the secrets may match. A file has no id of its own, so the key is None: its digest counts."""
    secrets = [secret for secret in secrets if secret.strip()]
    if not secrets:
        return Refused(reason="this connection has no secret yet: set one with `--set secret=...`")
    if given := delivery.headers.get(SIGNATURE):
        digest = given.strip().removeprefix("sha256=").encode()
        return _judge(digest, [sign for secret in secrets for sign in _signatures(secret, delivery.body)])
    if (token := bearer(delivery.headers.get("authorization"))) is not None:
        return _judge(token, [secret.encode() for secret in secrets], by="bearer")
    return Refused(reason=f"the file is not signed: {SEND}")


def identify(delivery: Delivery) -> Verified:
    """What verify would say of a file that is genuine: it has neither id nor topic of its own."""
    return Verified()


def _signatures(secret: str, body: bytes) -> tuple[bytes, bytes]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    return digest.hexdigest().encode(), base64.b64encode(digest.digest())


def _judge(given: bytes, expected: Sequence[bytes], by: str = "signature") -> Verified | Refused:
    if any_fits([given], expected):
        return Verified(by=by)
    return Refused(reason=f"the {by} does not match the secret of this connection: {SEND}")
