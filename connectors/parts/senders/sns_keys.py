"""What is asked of SNS: the certificates that it signs with, and the confirmation of a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.parts import settings as schema
from connectors.parts.senders.sns import CERTIFICATE, host, known, parsed
from connectors.parts.talk.asking import ask, good
from engine.contracts import Api, Asking, Conversation, HttpRequest, Renewed, Unanswered

KEPT = 4  # certificates: the newest, and those that what is on its way may still be signed with
_GONE = frozenset({400, 403, 404})
_LARGEST = 20_000  # characters of a certificate


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """`certificate/<name>`, which a delivery was signed with, or `confirm/<token>` of a subscription of the topic
    (https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html): it was posted by SNS, and verified."""
    kind, _, name = ref.partition("/")
    if kind == "certificate" and CERTIFICATE.fullmatch(name):
        yield from _certificate(asking, name)
    elif kind == "confirm":
        topic = asking.settings["topic_arn"]
        query = {"Action": "ConfirmSubscription", "TopicArn": topic, "Token": name, "Version": "2010-03-31"}
        good((yield from ask(_get(f"{_sns(asking.settings)}/?{urlencode(query)}"))))


API = Api(fetch=fetch, needs=("topic_arn",))


def _certificate(asking: Asking, name: str) -> Conversation[None]:
    answer = yield from ask(_get(f"{_sns(asking.settings)}/{name}"))
    if answer.code in _GONE:
        return  # there is no such certificate: whoever named it is not SNS
    pem = good(answer).body.decode("ascii", "replace")
    if len(pem) > _LARGEST or parsed(pem) is None:
        raise Unanswered("provider", "what SNS publishes there is no certificate with an RSA key")
    others = {one: text for one, text in known(asking.settings.get("sns_certificates", "{}")).items() if one != name}
    newest = dict([(name, pem), *others.items()][:KEPT])
    yield Renewed(secrets={"sns_certificates": msgspec.json.encode(newest).decode()})


def _sns(settings: Mapping[str, str]) -> str:
    return (settings.get("sns_url") or f"https://{host(settings['topic_arn'])}").rstrip("/")


def _get(url: str) -> HttpRequest:
    return HttpRequest(url=url, method="GET")


# The settings of a connection that is told of its messages by SNS.
SETTINGS: Mapping[str, Any] = {
    "topic_arn": schema.text(
        "SNS topic of the events: no other is believed", "イベント通知のSNSトピックARN",
        pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}(?![\s\S])",
    ),
    "sns_url": schema.text(
        "address of SNS; without it that of the topic's region", "SNSのアドレス(通常は不要)",
        pattern=r"^https?://[^/?#@\s]+(?![\s\S])",
    ),
    "sns_certificates": schema.secret(
        "certificates that SNS signs with: fetched and kept by the engine", "SNSの証明書(自動)"
    ),
}  # fmt: skip
