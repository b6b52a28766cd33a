"""One SMS by Twilio, and what its answer means
(https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from connectors.parts.sending import short_text
from connectors.parts.sending.error_table import load_rows
from connectors.parts.sending.http_answer import Said, spoken
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import correlation
from engine.contracts import Answer, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

URL = "https://api.twilio.com"
LONGEST = 1_600  # characters
objections = partial(short_text.objections, most=LONGEST)
ROWS = load_rows(Path(__file__).with_name("errors.yaml"))
_ENDED = frozenset({"failed", "undelivered", "canceled"})
_HOST = re.compile(r"(?=.*[a-z])[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)  # Twilio calls no address without a name


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST of a form. Our id and the merchant stand in the query of the status callback, which is the only thing
    that comes back. Raises ValueError for what Twilio would refuse."""
    fields = {"To": short_text.number(envelope.to), "Body": short_text.text_of(content, LONGEST)}
    if service := settings.get("messaging_service_sid"):
        fields["MessagingServiceSid"] = service
    if sender := settings.get("from"):
        fields["From"] = sender
    if not service and not sender:
        raise ValueError("the connection has neither from nor messaging_service_sid")
    if callback := _callback(envelope, settings):
        fields["StatusCallback"] = callback
    if lasts := settings.get("validity"):
        fields["ValidityPeriod"] = lasts
    account = settings["account_sid"]
    who = "{api_key}:{api_secret}" if settings.get("api_key") else f"{account}:{{auth_token}}"
    return HttpRequest(
        url=f"{(settings.get('url') or URL).rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json",
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth={"authorization": f"Basic {who}"},
        body=urlencode(fields).encode(),
    )


def _callback(envelope: Envelope, settings: Mapping[str, str]) -> str | None:
    base = settings.get("callback") or envelope.intake or ""
    told = urlsplit(base)
    if told.scheme != "https" or not _HOST.fullmatch(told.hostname or ""):
        return None  # Twilio refuses the whole message for an address that it cannot call
    return f"{base}{'&' if told.query else '?'}{urlencode(correlation(envelope))}"


def classify(result: Answer | Failure) -> Outcome:
    """What Twilio's answer, or its silence, means for the message. An answer of 201 may name a message that has failed
    already."""
    if isinstance(result, Answer) and result.code in {200, 201}:
        told = spoken(result.body)
        if told.get("status") in _ENDED and told.get("sid"):
            result = Answer(code=400, headers=result.headers, body=result.body)
    return answered(result, rows=ROWS, ref=_ref, error=error)


def error(said: Said) -> tuple[str, str]:
    """(code, text) of an error, also of one that stands in a message."""
    code = said.get("code") or said.get("error_code") or ""
    text = said.get("message") or said.get("error_message") or ""
    return str(code)[:20], text if isinstance(text, str) else ""


def _ref(said: Said) -> str | None:
    found = said.get("sid")
    return found[:100] if isinstance(found, str) and found else None
