"""How each source's sender signs, written from its documentation and independent of the connectors."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

import connectors
from engine.contracts import Refused, Verified
from tests.connectors.cases import RECEIVED_AT, Case

SECRET = base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
OTHER = base64.b64encode(b"the secret that was used before.").decode()


def _base64_hmac(secret: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _standard(body: bytes, secret: str) -> dict[str, str]:
    stamp = str(int(RECEIVED_AT.timestamp()))
    signature = _base64_hmac(base64.b64decode(secret), f"msg_1.{stamp}.".encode() + body)
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


SIGN: Mapping[str, Callable[[bytes, str], dict[str, str]]] = {
    "csv": lambda body, secret: {
        "x-todoke-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    },
    "shopify": lambda body, secret: {
        "x-shopify-hmac-sha256": _base64_hmac(secret.encode(), body),
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    },
    "standard": _standard,
    "woocommerce": lambda body, secret: {"x-wc-webhook-signature": _base64_hmac(secret.encode(), body)},
}


def verdict(case: Case, body: bytes | None = None, signature_of: bytes | None = None) -> Verified | Refused:
    """The verdict on the case's body (or `body`) with a signature of itself (or of `signature_of`)."""
    sent = case.body() if body is None else body
    headers = SIGN[case.source](sent if signature_of is None else signature_of, SECRET)
    return connectors.source(case.source).verify(case.delivery(sent, **headers), [OTHER, SECRET], RECEIVED_AT)
