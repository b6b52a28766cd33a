"""Is a delivery from ShipStation, and for this connection?

V1 does not sign: the secret stands in the address that it posts to. V2 signs every webhook with a key of ShipStation's
own, which every one of its customers could make it use on us, so the secret in the address is asked for all the same.
https://docs.shipstation.com/apis/docs/guides/webhooks-validation: base64 RSA-SHA256 of "<timestamp>.<raw body>".
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.parts.senders.jwks import Key, is_key_set, key_set
from connectors.parts.senders.signing import token_in_url
from connectors.parts.values.times import from_unix, moment
from engine.contracts import Delivery, Refused, Verified

TOLERANCE = timedelta(minutes=5)
PREFIX = "x-shipengine-"
HEADERS = (f"{PREFIX}rsa-sha256-key-id", f"{PREFIX}rsa-sha256-signature", f"{PREFIX}timestamp")


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """The token of the address must fit; a signature must too, once ShipStation's published keys are known. `secrets`
    hold both, a key set being a JSON object with "keys"."""
    refused = token_in_url(delivery.url, [one for one in secrets if not is_key_set(one)])
    if refused:
        return refused
    published = [one for one in secrets if is_key_set(one)]
    if published and any(delivery.headers.get(name) for name in HEADERS):
        return _judged(delivery, [key for one in published for key in key_set(one)], now)
    return Verified(by="token")


def identify(delivery: Delivery) -> Verified:
    """A webhook has neither an id nor a topic outside its body."""
    return Verified()


def _judged(delivery: Delivery, keys: Sequence[Key], now: datetime) -> Verified | Refused:
    kid, signature, stamp = (delivery.headers.get(name, "") for name in HEADERS)
    at = moment(stamp, "UTC") or from_unix(stamp)
    if at is None or abs(now - at) > TOLERANCE:
        return Refused(reason=f"{HEADERS[2]} is no time within 5 minutes of now")
    candidates = [one for one in keys if one.kid == kid]
    if not candidates:
        return Refused(reason=f"{HEADERS[0]} names a key that is not known yet", stale=True)
    try:
        given = b64decode(signature, validate=True)
    except (Error, ValueError):
        return Refused(reason=f"{HEADERS[1]} is not base64")
    signed = stamp.encode() + b"." + delivery.body
    if any(key.has_signed(given, signed) for key in candidates):
        return Verified()
    return Refused(reason=f"{HEADERS[1]} does not fit the body")
