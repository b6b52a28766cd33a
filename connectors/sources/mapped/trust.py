"""Is a post genuine? As the mapping says: an HMAC, a secret in a header or in the address, Standard Webhooks."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime

from connectors.parts.senders import standard_webhooks
from connectors.parts.senders.signing import any_fits, bearer, token_in_url
from connectors.sources.mapped.mapping import mapping_of
from connectors.sources.mapped.options import Verifying
from connectors.sources.mapped.places import Mistake
from engine.contracts import Delivery, Refused, Verified

NO_SECRET = "this connection has no secret yet: set one with --set secret=..."  # noqa: S105 the name of an option
FILES_ONLY = "this connection takes files and polls: add verify: to its mapping to let it take posts"


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """Any of the secrets may match. The key is the header that the mapping calls `id`, and only where it calls one."""
    try:
        how = mapping_of(delivery.config).verify
    except Mistake as mistake:
        return Refused(reason=str(mistake))
    if how is None:
        return Refused(reason=FILES_ONLY)
    if how.by == "standard":
        return standard_webhooks.verify(delivery, secrets, now)
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        return Refused(reason=NO_SECRET)
    if how.by == "token":
        return token_in_url(delivery.url, usable) or Verified(by="url", key=_key(how, delivery))
    if how.by == "hmac":
        return _signed(how, delivery, usable)
    given = bearer(delivery.headers.get("authorization")) if how.by == "bearer" else _in_header(how, delivery)
    where = "authorization: Bearer" if how.by == "bearer" else how.header
    if given is None:
        return Refused(reason=f"the header {where} is missing")
    if any_fits([given], [secret.encode() for secret in usable]):
        return Verified(by=how.by, key=_key(how, delivery))
    return Refused(reason=f"{where} does not hold the secret of this connection")


def identify(delivery: Delivery) -> Verified:
    """The delivery's own id, unchecked: for a delivery that is trusted on other grounds."""
    try:
        how = mapping_of(delivery.config).verify
    except Mistake:
        return Verified()
    if how is None:
        return Verified()
    return standard_webhooks.identify(delivery) if how.by == "standard" else Verified(key=_key(how, delivery))


def _signed(how: Verifying, delivery: Delivery, secrets: Sequence[str]) -> Verified | Refused:
    given = delivery.headers.get(how.header, "").strip()
    if not given:
        return Refused(reason=f"the header {how.header} is missing")
    digests = [hmac.digest(secret.encode(), delivery.body, how.hash) for secret in secrets]
    expected = [form for digest in digests for form in (digest.hex().encode(), base64.b64encode(digest))]
    signature = given.removeprefix(how.prefix)
    # Hexadecimal digits may be upper case, base64 may not: both are compared as they are and as small letters.
    if any_fits([signature.encode(), signature.lower().encode()], expected):
        return Verified(key=_key(how, delivery))
    return Refused(reason=f"{how.header} does not fit the body: check the secret and `hash` of the mapping")


def _in_header(how: Verifying, delivery: Delivery) -> bytes | None:
    given = delivery.headers.get(how.header, "").strip()
    return given.removeprefix(how.prefix).strip().encode() if given else None


def _key(how: Verifying, delivery: Delivery) -> str | None:
    return delivery.headers.get(how.id) or None if how.id else None
