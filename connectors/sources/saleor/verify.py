"""Is a delivery from this Saleor?

https://docs.saleor.io/developer/extending/webhooks/payload-signature: `Saleor-Signature` is a JSON Web Signature with
its payload left out ("<header>..<signature>", RS256, "b64": false: the raw body is what is signed), made with a key
that Saleor publishes. A webhook with a secretKey, which is deprecated, has the hex HMAC-SHA256 of the body instead.
No time is signed and no delivery has an id, so a repeated delivery is recognised by its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders.jwks import Fault, check_detached, is_key_set, key_set
from connectors.parts.senders.signing import hex_hmac, refusal
from engine.contracts import Delivery, Refused, Verified

SIGNATURE = "saleor-signature"
NO_KEYS = (
    "the keys of this Saleor are not known: set its address with --set url=https://<your>.saleor.cloud, or give the "
    "webhook a secretKey and the connection the same --set secret=..."
)


def header(delivery: Delivery, name: str) -> str | None:
    """The header under either spelling: Saleor 4 drops the "X-"."""
    return delivery.headers.get(f"saleor-{name}") or delivery.headers.get(f"x-saleor-{name}")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Check the signature against every published key or every secret; `secrets` hold both, a key set being a JSON
    object with "keys". A key that we have not seen yet is no forgery: Saleor may have changed it (`stale`)."""
    signature = (header(delivery, "signature") or "").strip()
    if not signature:
        return Refused(reason=f"the header {SIGNATURE} is missing")
    if "." in signature:
        return _by_key(delivery, signature, [one for one in secrets if is_key_set(one)])
    usable = [secret for secret in secrets if not is_key_set(secret)]
    return refusal(delivery.body, signature.lower(), usable, SIGNATURE, hex_hmac) or identify(delivery)


def _by_key(delivery: Delivery, signature: str, published: Sequence[str]) -> Verified | Refused:
    if not published and not delivery.config.get("url"):
        return Refused(reason=NO_KEYS)
    match check_detached(signature, delivery.body, [key for one in published for key in key_set(one)], SIGNATURE):
        case Fault(unknown_key=True, reason=reason):
            return Refused(reason=reason, stale=True)
        case Fault(reason=reason):
            return Refused(reason=reason)
        case None:
            return identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """Topic as the headers tell it, unchecked: for a delivery that is trusted on other grounds."""
    return Verified(topic=header(delivery, "event"))
