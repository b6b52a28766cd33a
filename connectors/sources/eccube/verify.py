"""Is a webhook from this EC-CUBE?

https://github.com/EC-CUBE/eccube-api4, docs/_pages/webhook.md and Service/WebHookService.php: hex HMAC-SHA256 of the
raw body; the header is absent as long as the webhook has no secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from connectors.parts.senders.signing import hex_hmac, refusal
from engine.contracts import Delivery, Refused, Verified

HEADER = "x-eccube-signature"
CHANGES = "changes"  # our name for what a webhook tells: it has no topic of its own


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every active secret."""
    refused = refusal(delivery.body, _signature(delivery), secrets, HEADER, hex_hmac)
    if refused is not None and not _signature(delivery) and any(secrets):
        return Refused(reason=f"the header {HEADER} is missing: give the webhook a secret in EC-CUBE (設定 > API管理)")
    return refused or identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """A key of its own for every delivery: the body names the order and nothing else, so that each change of an order
    looks like the one before. EC-CUBE never sends a webhook twice."""
    digest = blake2b(delivery.body, digest_size=8).hexdigest()
    return Verified(key=f"{delivery.received_at.isoformat()}/{digest}", topic=CHANGES)


def _signature(delivery: Delivery) -> str | None:
    given = delivery.headers.get(HEADER)
    return given.strip().lower() if given else None
