"""Web Push: notifications in the browser of whoever has allowed them (RFC 8030, RFC 8291, RFC 8292)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.channels.webpush.encryption import LONGEST, drawn, encrypted, padless, unpadded
from connectors.parts import settings as schema
from connectors.parts.sending import notification
from connectors.parts.sending.http_answer import Row, Said, spoken
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import correlation
from engine.contracts import Accepted, Answer, Capabilities, Channel, Failure, HttpRequest, Linking, Outcome
from engine.model.consent import OPTIONAL
from engine.model.message import Content, Envelope

# Where browsers keep subscriptions. A subscription is whatever a stranger posts to us: what is on no such host could be
# anybody's server, whose 401 or 429 would hold the whole account.
HOSTS = ("fcm.googleapis.com", "android.googleapis.com", "jmt17.google.com", "updates.push.services.mozilla.com",
         "web.push.apple.com")  # fmt: skip
FAMILIES = (".push.services.mozilla.com", ".notify.windows.com", ".push.apple.com")
TTL = 24 * 60 * 60  # seconds that a push service keeps what it cannot deliver yet

SETTINGS = schema.settings(
    {
        "vapid_key": {
            **schema.credential(
                "Private VAPID key: 32 octets in base64url", "VAPID秘密鍵(base64url)", r"^[A-Za-z0-9_-]{43}=?(?![\s\S])"
            ),
            "drawn": 32,  # octets; one draw of 2**32 is no key of P-256, and `public_key` says so
        },
        "subject": schema.text(
            "Who is responsible: mailto: or https:", "連絡先(mailto: または https:)",
            pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://[!-~]+)(?![\s\S])",
        ),
        "ttl": notification.lasts(f"Seconds that a notification waits for its browser; without it {TTL}"),
        "hosts": schema.text(
            "More hosts of push services, with a space between", "追加のプッシュサービスのホスト",
            pattern=r"^[a-z0-9.:\[\] -]+(?![\s\S])",
        ),
    },
    required=("vapid_key", "subject"),
)  # fmt: skip

ROWS = (
    Row("404", "rejected", "recipient"),
    Row("410", "rejected", "recipient"),
    Row("413", "rejected", "message"),
    Row("429", "deferred", "rate"),
    Row("400", "rejected", "account"),  # RFC 8292 §3: the push service does not take who we say we are
    Row("401", "rejected", "account"),
    Row("403", "rejected", "account"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One push, encrypted for this subscription. Equal arguments give equal bytes. Raises ValueError for an address
    that is no subscription at a push service, and for content that is no notification."""
    endpoint, p256dh, auth = _subscription(envelope.to, settings)
    if problems := objections(content):
        raise ValueError("; ".join(problems))
    told = correlation(envelope)
    shown = {name: content.payload[name] for name in ("title", "body", "url") if content.payload.get(name)}
    text = msgspec.json.encode({**shown, "tag": told["message"], "lang": content.locale})
    secret_key = unpadded(settings["vapid_key"])
    salt, key = drawn(secret_key, b"\0".join((told["message"].encode(), endpoint.encode(), p256dh, auth, text)))
    return HttpRequest(
        url=endpoint,
        headers={
            "ttl": settings.get("ttl") or str(TTL), "urgency": "low" if envelope.purpose in OPTIONAL else "normal",
            "topic": told["message"][:32], "content-encoding": "aes128gcm", "content-type": "application/octet-stream",
        },
        sign="vapid",
        body=encrypted(text, p256dh=p256dh, auth=auth, salt=salt, key=key),
    )  # fmt: skip


def _subscription(address: str, settings: Mapping[str, str]) -> tuple[str, bytes, bytes]:
    """(endpoint, p256dh, auth) of PushSubscription.toJSON()."""
    found = spoken(address.encode(errors="replace"))
    keys = found.get("keys")
    endpoint, keys = found.get("endpoint"), keys if isinstance(keys, dict) else {}
    try:
        p256dh, auth = unpadded(str(keys.get("p256dh") or "")), unpadded(str(keys.get("auth") or ""))
    except ValueError:
        p256dh, auth = b"", b""
    if (
        not isinstance(endpoint, str)
        or not notification.URL.fullmatch(endpoint)
        or len(p256dh) != 65
        or len(auth) != 16
    ):
        raise ValueError("the address is no push subscription")
    if not known(endpoint, settings):
        raise ValueError("the subscription is at no push service that we know; see the setting hosts")
    return endpoint, p256dh, auth


def known(endpoint: str, settings: Mapping[str, str]) -> bool:
    """Is this the address of a push service?"""
    told = urlsplit(endpoint)
    host = told.hostname or ""
    if host in settings.get("hosts", "").split():
        return True
    return told.scheme == "https" and (host in HOSTS or host.endswith(FAMILIES))


def subscription(given: str, settings: Mapping[str, str]) -> str:
    """PushSubscription.toJSON() with what sending takes, the same however a browser writes it. Raises ValueError."""
    endpoint, p256dh, auth = _subscription(given, settings)
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    keys = {"auth": padless(auth), "p256dh": padless(p256dh)}
    return msgspec.json.encode({"endpoint": endpoint, "keys": keys}).decode()


def public_key(settings: Mapping[str, str]) -> str:
    """The public half of the connection's key, by which browsers subscribe (RFC 8292 §4). Raises ValueError."""
    try:
        key = ec.derive_private_key(int.from_bytes(unpadded(settings["vapid_key"])), ec.SECP256R1())
    except ValueError:
        raise ValueError("vapid_key is no private key of the curve P-256") from None
    return padless(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def classify(result: Answer | Failure) -> Outcome:
    """What the push service's answer means. It keeps the notification until the browser comes, or until it forgets."""
    if isinstance(result, Answer) and (
        result.code in {201, 202} or (result.code == 200 and "location" in result.headers)
    ):
        return Accepted(ref=result.headers.get("location", "")[:200] or None)
    return answered(result, rows=ROWS, error=_error)


def _error(said: Said) -> tuple[str, str]:
    """(name, words): Mozilla says errno and message, others say little."""
    told = said.get("message") or said.get("reason") or ""
    return str(said.get("errno") or "")[:20], told if isinstance(told, str) else ""


def objections(content: Content) -> tuple[str, ...]:
    """What cannot be shown of this notification, in words."""
    return notification.objections(content.payload, LONGEST - 200)


CHANNEL = Channel(
    name="webpush",
    title="Web Push",
    title_ja="Webプッシュ通知",
    medium="push",
    transport="http",
    settings=SETTINGS,
    capabilities=Capabilities(),  # a topic replaces what still waits, which is not the same as knowing a key again
    prepare=prepare,
    classify=classify,
    objections=objections,
    linking=Linking(address=subscription, browser_key=public_key),
)
