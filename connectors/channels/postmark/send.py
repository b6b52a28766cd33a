"""One mail for Postmark, and what its answer means (https://postmarkapp.com/developer/api/email-api)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from connectors.parts import settings as schema
from connectors.parts.sending.batch import batch_setting
from connectors.parts.sending.http_answer import Row, Said, named, spoken
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import bodies, mail, mailbox, settings
from connectors.parts.talk.asking import sending
from engine.contracts import Answer, Failure, HttpRequest, Outcome
from engine.model.consent import OPTIONAL
from engine.model.message import Content, Envelope

URL = "https://api.postmarkapp.com"
_STREAM = r"^[a-z][a-z0-9_-]{0,63}(?![\s\S])"

SETTINGS = settings(URL, ["server_token"], {
    "server_token": schema.credential("Server API token", "サーバーAPIトークン"),
    "webhook_secret": schema.credential(
        "user:password, or the token, of the webhook's address: checks what Postmark posts",
        "WebhookのBasic認証(user:password)またはトークン",
    ),
    "message_stream": schema.text(
        "Message stream; without it outbound", "メッセージストリーム(既定はoutbound)", pattern=_STREAM
    ),
    "broadcast_stream": schema.text(
        "Broadcast stream for what customers can switch off; without it message_stream",
        "配信停止できるメッセージ用のBroadcastストリーム", pattern=_STREAM,
    ),
    "batch": batch_setting(500, 20),
})  # fmt: skip

# By ErrorCode (https://postmarkapp.com/developer/api/overview#error-codes), whose numbers are not those of HTTP.
_ACCOUNT = (
    "10", "300 From", "400", "401", "405", "409", "412", "413", "500", "501", "502", "503", "504", "505", "506", "507",
    "510", "511", "512", "600", "601", "602", "603", "1221", "1222", "1223", "1224", "1225", "1226", "1227", "1228",
    "1230", "1231", "1232", "1233", "1234", "1235", "1236",
)  # fmt: skip
_ROWS = (
    *(Row("4", "rejected", "account", number) for number in _ACCOUNT),
    Row("", "deferred", "provider", "100"),  # maintenance
    Row("4", "rejected", "recipient", "300 To"),
    Row("4", "rejected", "recipient", "406"),  # it bounced or complained before, or was suppressed by hand
    Row("", "deferred", "rate", "429"),
    Row("413", "rejected", "message"),
)
_FIELD = re.compile(r"(?:invalid|illegal|missing|parsing|domain of|zero)[^'\"]{0,40}['\"](To|From)['\"]", re.IGNORECASE)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST /email. Our id travels as metadata, which comes back with every event.

    Raises BadAddress (header "To" for the recipient's), ValueError for a value that cannot be a header.
    """
    one, (html, text) = mail(envelope, content, settings), bodies(content)
    body: dict[str, object] = {
        "From": mailbox(one.sender, one.sender_name),
        "To": one.to,
        "Subject": one.subject,
        "Headers": [{"Name": name, "Value": value} for name, value in one.headers.items()],
        "Metadata": one.told,
    }
    if html is not None:
        body["HtmlBody"] = html
    if text is not None:
        body["TextBody"] = text
    if one.reply_to:
        body["ReplyTo"] = one.reply_to
    if stream := _stream(envelope, settings):
        body["MessageStream"] = stream
    url = f"{(settings.get('url') or URL).rstrip('/')}/email"
    return sending(url, body, {"x-postmark-server-token": "{server_token}"})


def classify(result: Answer | Failure) -> Outcome:
    """What Postmark's answer, or its silence, means for the message. A good status with an ErrorCode is an error: so
    do items of a batch say it."""
    if isinstance(result, Answer) and 200 <= result.code < 300 and _number(spoken(result.body)) not in {"", "0"}:
        result = replace(result, code=422)
    return answered(result, rows=_ROWS, ref=_ref, error=_error)


def _stream(envelope: Envelope, settings: Mapping[str, str]) -> str | None:
    usual = settings.get("message_stream")
    return (settings.get("broadcast_stream") or usual) if envelope.purpose in OPTIONAL else usual


_id = named("MessageID")


def _ref(said: Said) -> str | None:
    return _id(said) if _number(said) == "0" else None


def _number(said: Said) -> str:
    found = said.get("ErrorCode")
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def _error(said: Said) -> tuple[str, str]:
    number, text = _number(said), said.get("Message")
    told = text if isinstance(text, str) else ""
    if number == "300" and (field := _FIELD.search(told)):
        number = f"300 {field[1].capitalize()}"
    return number, told
