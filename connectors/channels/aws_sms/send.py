"""One SMS by AWS End User Messaging, and what the answer means
(https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from connectors.parts import settings as schema
from connectors.parts.sending import aws, short_text
from connectors.parts.sending.error_table import load_rows
from connectors.parts.sending.http_answer import Row, Said, named
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import correlation
from connectors.parts.values.loose import rows, text
from engine.contracts import Answer, Failure, HttpRequest, Outcome
from engine.model.consent import OPTIONAL
from engine.model.message import Content, Envelope

LONGEST = 1_600  # characters
objections = partial(short_text.objections, most=LONGEST)
TARGET = "PinpointSMSVoiceV2"
ROWS = (*load_rows(Path(__file__).with_name("errors.yaml")), Row("400", "rejected", "message"))
_DESTINATION = frozenset({"DestinationPhoneNumber", "destinationPhoneNumber"})
_OURS = frozenset({
    "OriginationIdentity", "ConfigurationSetName", "MaxPrice", "ProtectConfigurationId", "Keyword", "TimeToLive",
})  # fmt: skip

SETTINGS = schema.settings(
    {
        **aws.settings("sms-voice:SendTextMessage", r"^[A-Za-z0-9_:/-]{1,256}(?![\s\S])"),
        "from": schema.text(
            "Sender: number, sender ID or pool (id or ARN); without it AWS chooses", "送信元(番号・送信者ID・プール)",
            pattern=r"^[A-Za-z0-9_:/+-]{1,256}(?![\s\S])",
        ),
        "max_price": schema.text(
            "Most that one part may cost, in USD", "1通あたりの上限金額(USD)", pattern=r"^\d{0,2}\.\d{1,5}(?![\s\S])"
        ),
        "ttl": schema.text(
            "Seconds that delivery is tried, 5 to 259200", "配信を試みる時間(秒)",
            pattern=r"^([5-9]|[1-9]\d{1,5})(?![\s\S])",
        ),
        "url": schema.address("address of the API; without it https://sms-voice.<region>.amazonaws.com"),
    },
    required=aws.NEEDED,
)  # fmt: skip


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One SendTextMessage, signed when it leaves. Our id is in the context, which comes back with every event. Raises
    ValueError for what AWS would refuse."""
    body: dict[str, Any] = {
        "DestinationPhoneNumber": short_text.number(envelope.to),
        "MessageBody": short_text.text_of(content, LONGEST),
        "MessageType": "PROMOTIONAL" if envelope.purpose in OPTIONAL else "TRANSACTIONAL",
        "Context": correlation(envelope),
    }
    options = {"OriginationIdentity": "from", "ConfigurationSetName": "configuration_set", "MaxPrice": "max_price"}
    body |= {field: settings[name] for field, name in options.items() if settings.get(name)}
    if ttl := settings.get("ttl"):
        body["TimeToLive"] = int(ttl)
    return HttpRequest(
        url=f"{base(settings)}/",
        headers={"content-type": "application/x-amz-json-1.0", "x-amz-target": f"{TARGET}.SendTextMessage"},
        sign="aws4:sms-voice",
        body=msgspec.json.encode(body),
    )


def base(settings: Mapping[str, str]) -> str:
    """The address of the API."""
    return aws.base(settings, "sms-voice")


def classify(result: Answer | Failure) -> Outcome:
    """What AWS's answer, or its silence, means for the message."""
    kind = result.headers.get("x-amzn-errortype", "") if isinstance(result, Answer) else ""
    return answered(result, rows=ROWS, ref=named("MessageId"), error=lambda said: _error(said, kind))


def _error(said: Said, kind: str) -> tuple[str, str]:
    """(name, words): the reason where there is one that we know, else the type without what AWS puts around it."""
    told = text(said.get("Message")) or text(said.get("message")) or ""
    name = aws.bare(str(said.get("__type") or "") or kind)
    reason = text(said.get("Reason")) or text(said.get("reason")) or ""
    fields = {text(one.get("Name")) or text(one.get("name")) for one in rows(said.get("Fields") or said.get("fields"))}
    if name == "ValidationException" and reason not in _SURE:
        if fields & _DESTINATION:
            return "invalid_destination", told
        if fields & _OURS:
            return "invalid_account", told
    return (reason if any(row.name == reason for row in ROWS) and reason else name), told


_SURE = frozenset({"PRICE_OVER_THRESHOLD", "DESTINATION_COUNTRY_BLOCKED", "COUNTRY_NOT_ENABLED"})
