"""Signatures that depend on the moment at which a request leaves: made for every try anew, and never stored."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote, unquote

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from engine.contracts import HttpRequest

Settings = Mapping[str, str]
VAPID_LASTS = timedelta(hours=12)  # RFC 8292, section 2: no longer than a day


class Unsigned(Exception):
    """It cannot be signed; the message says which setting is missing or wrong, never its value."""


def signed(request: HttpRequest, url: httpx.URL, settings: Settings, now: datetime) -> dict[str, str]:
    """The headers that sign this request at `now` (aware). Raises Unsigned."""
    kind, _, service = (request.sign or "").partition(":")
    try:
        return SIGNERS[kind](request, url, settings, now, service)
    except KeyError as missing:
        raise Unsigned(f"the connection has no {missing.args[0]}") from None


def aws4(request: HttpRequest, url: httpx.URL, settings: Settings, now: datetime, service: str) -> dict[str, str]:
    """AWS Signature Version 4 over host, date, content type and body, with access_key_id, secret_access_key, region
    and, for temporary credentials, session_token of the connection
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)."""
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    told = {"host": url.netloc.decode(), "x-amz-date": moment}
    told |= {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}
    if content_type := request.headers.get("content-type"):
        told["content-type"] = content_type
    if token := settings.get("session_token"):
        told["x-amz-security-token"] = token
    names = ";".join(sorted(told))
    path = quote(quote(unquote(url.raw_path.partition(b"?")[0].decode()), safe="/-_.~"), safe="/-_.~")
    query = "&".join(
        sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in url.params.multi_items())
    )
    lines = [f"{name}:{' '.join(told[name].split())}\n" for name in sorted(told)]
    body = sha256(request.body).hexdigest()
    canonical = "\n".join((request.method, path or "/", query, "".join(lines), names, body))
    scope = f"{day}/{settings['region']}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{settings['secret_access_key']}".encode()
    for part in (day, settings["region"], service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{settings['access_key_id']}/{scope}"
    told["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {name: value for name, value in told.items() if name not in {"host", "content-type"}}


def vapid(request: HttpRequest, url: httpx.URL, settings: Settings, now: datetime, service: str) -> dict[str, str]:
    """RFC 8292: who sends a web push, to the origin that it goes to. `vapid_key` is the private key as 32 bytes in
    base64url, `subject` a mailto: or https: address of whoever is responsible."""
    try:
        key = ec.derive_private_key(int.from_bytes(_unpadded(settings["vapid_key"])), ec.SECP256R1())
    except ValueError:
        raise Unsigned("vapid_key is not a key: 32 bytes in base64url") from None
    claims = {
        "aud": f"{url.scheme}://{url.netloc.decode()}", "exp": int((now + VAPID_LASTS).timestamp()),
        "sub": settings["subject"],
    }  # fmt: skip
    text = ".".join(_url64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(SHA256())))
    token = f"{text}.{_url64(r.to_bytes(32) + s.to_bytes(32))}"
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"authorization": f"vapid t={token}, k={_url64(public)}"}


def standard_webhooks(
    request: HttpRequest, url: httpx.URL, settings: Settings, now: datetime, service: str
) -> dict[str, str]:  # fmt: skip
    """https://www.standardwebhooks.com: id, a fresh timestamp, and a signature by each secret: `signing_secret`, and
    `signing_secret_before` while it is being replaced. The request brings its `webhook-id`."""
    stamp = str(int(now.timestamp()))
    text = f"{request.headers.get('webhook-id', '')}.{stamp}.".encode() + request.body
    given = [settings["signing_secret"], settings.get("signing_secret_before")]
    try:
        keys = [b64decode(one.removeprefix("whsec_"), validate=True) for one in given if one]
    except ValueError:
        raise Unsigned("signing_secret is not base64") from None
    signatures = [f"v1,{b64encode(hmac.digest(key, text, 'sha256')).decode()}" for key in keys]
    return {"webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}


Sign = Callable[[HttpRequest, httpx.URL, Settings, datetime, str], dict[str, str]]
SIGNERS: Mapping[str, Sign] = {"aws4": aws4, "vapid": vapid, "standard_webhooks": standard_webhooks}


def _url64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
