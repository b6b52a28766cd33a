"""What SNS posts: is it from Amazon, and of our topic?
(https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html)

Keys are Amazon's, published as certificates at addresses that change. A delivery names the one it was signed with; one
that is not known yet is fetched (`sns_keys.API`), from Amazon's own host only, whatever the delivery says.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from connectors.parts.bodies.jsonbody import glance, load_object
from connectors.parts.bodies.jsonbody import load as load_json
from connectors.parts.values.loose import text
from engine.contracts import Delivery, Reading, Refused, Unreadable, Verified

CERTIFICATE = re.compile(r"SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_TOKEN = re.compile(r"[0-9A-Za-z]{1,1000}")
_HASHES = {"1": SHA1, "2": SHA256}


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """RSA over the fields that the type of the message names, with SHA-1 (version 1) or SHA-256 (version 2). `secrets`
    are the certificates known so far (`known`)."""
    topic = delivery.config.get("topic_arn")
    if not topic:
        return Refused(
            reason="the connection has no topic_arn: set it to the SNS topic that the events are published to"
        )
    try:
        told = envelope(delivery)
    except Unreadable as broken:
        return Refused(reason=f"not from SNS: {broken}")
    if told.get("TopicArn") != topic:
        return Refused(reason="it is of another topic than topic_arn of this connection")
    version, signed = text(told.get("SignatureVersion")) or "", _SIGNED.get(text(told.get("Type")) or "")
    if version not in _HASHES or signed is None:
        return Refused(reason="neither its type nor its signature is one that SNS makes")
    name = certificate(text(told.get("SigningCertURL")) or "", topic)
    if name is None:
        return Refused(reason="SigningCertURL is not an address of SNS in the topic's region")
    pem = next((found[name] for one in secrets if name in (found := known(one))), None)
    if pem is None:
        return Refused(reason="its certificate is not known yet", stale=True, ask=f"certificate/{name}")
    if not _fits(pem, told, signed, version, now):
        return Refused(reason="its signature does not fit")
    return identify(delivery)


def identify(delivery: Delivery) -> Verified:
    """SNS's own id, which a retry repeats."""
    told = glance(delivery.body)
    return Verified(key=text(told.get("MessageId")), topic=text(told.get("Type")))


def envelope(delivery: Delivery) -> Mapping[str, Any]:
    """SNS's envelope. Raises Unreadable."""
    return load_object(delivery.body)


def message(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON object that was published; empty where it is a text. Raises Unreadable."""
    message = told.get("Message")
    if not isinstance(message, str):
        raise Unreadable("Message: expected a text")
    if not message.lstrip().startswith("{"):
        return {}  # "Successfully validated SNS topic for Amazon SES event publishing."
    event = load_json(message.encode())
    return event if isinstance(event, dict) else {}


def confirmation(delivery: Delivery, told: Mapping[str, Any]) -> Reading:
    """A subscription of our topic that asks to be confirmed is confirmed; nothing else that is no notification is."""
    kind, token = text(told.get("Type")), text(told.get("Token")) or ""
    if kind != "SubscriptionConfirmation":
        return Reading(ignored=f"{kind or 'a message without a type'} is not used")
    if told.get("TopicArn") != delivery.config.get("topic_arn") or not _TOKEN.fullmatch(token):
        return Reading(ignored="a subscription that is not ours")
    return Reading(fetch=(f"confirm/{token}",))


def host(topic: str) -> str:
    """Where SNS of the topic's region is to be found."""
    _, partition, _, region, *_ = topic.split(":")
    return f"sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def certificate(url: str, topic: str) -> str | None:
    """The name of the certificate, when it lies on the host of the topic's region; None for any other address."""
    scheme_and_host, _, name = url.rpartition("/")
    return name if scheme_and_host == f"https://{host(topic)}" and CERTIFICATE.fullmatch(name) else None


def known(setting: str) -> dict[str, str]:
    """Certificates (PEM) by name, as the setting keeps them; empty for what it cannot be."""
    try:
        return msgspec.json.decode(setting, type=dict[str, str])
    except msgspec.DecodeError:
        return {}


@lru_cache(maxsize=16)
def parsed(pem: str) -> Certificate | None:
    """The certificate; None for what is none, or holds no RSA key."""
    try:
        found = load_pem_x509_certificate(pem.encode())
        return found if isinstance(found.public_key(), RSAPublicKey) else None
    except ValueError:
        return None


def _fits(pem: str, told: Mapping[str, Any], signed: Sequence[str], version: str, now: datetime) -> bool:
    found = parsed(pem)
    if found is None or not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        return False
    key = found.public_key()
    lines = "".join(f"{name}\n{told[name]}\n" for name in signed if isinstance(told.get(name), str))
    try:
        given = b64decode(text(told.get("Signature")) or "", validate=True)
        if isinstance(key, RSAPublicKey):
            key.verify(given, lines.encode(), PKCS1v15(), _HASHES[version]())
            return True
    except (InvalidSignature, ValueError):
        pass
    return False
