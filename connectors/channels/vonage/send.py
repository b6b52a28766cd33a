"""One SMS by Vonage, by either of its APIs, and what the answer means
(https://developer.vonage.com/en/api/messages, https://developer.vonage.com/en/api/sms)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from connectors.channels.vonage.account import SMS_URL, URL
from connectors.parts.sending import short_text
from connectors.parts.sending.error_table import load_rows
from connectors.parts.sending.http_answer import Row, Said, outcome, spoken
from connectors.parts.sending.mail_api import correlation
from connectors.parts.talk.asking import sending
from connectors.parts.talk.oauth import BEARER
from connectors.parts.values.loose import rows, text
from engine.contracts import Accepted, Ambiguous, Answer, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope
from engine.model.segments import counted

LONGEST = 1_000  # characters, Messages API; the SMS API takes what ten parts hold
objections = partial(short_text.objections, most=LONGEST)
REFERENCE = 40  # characters; the Messages API says 100, its error 1450 says 40
_FILE = Path(__file__).with_name("errors.yaml")
MESSAGES_ROWS = (Row("402", "rejected", "account"), *load_rows(_FILE, "messages"))
SMS_ROWS = load_rows(_FILE, "sms")


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One request. Our id is the client reference, with the merchant beside it as far as there is room. Raises
    ValueError for what Vonage would refuse."""
    to, body = short_text.number(envelope.to)[1:], short_text.text_of(content, LONGEST)
    sender = settings["from"].removeprefix("+")
    return (_sms if settings.get("api") == "sms" else _message)(to, sender, body, reference(envelope), settings)


def reference(envelope: Envelope) -> str:
    """Our id and whose message it is, in one slot. Where both do not fit, the id alone: an account that serves several
    merchants then needs short slugs."""
    told = correlation(envelope)
    both = f"{told['message']} {told['merchant']}"
    return both if len(both) <= REFERENCE else told["message"]


def _message(to: str, sender: str, body: str, ref: str, settings: Mapping[str, str]) -> HttpRequest:
    fields: dict[str, Any] = {
        "channel": "sms", "message_type": "text", "to": to, "from": sender, "text": body, "client_ref": ref,
    }  # fmt: skip
    if ttl := settings.get("ttl"):
        fields["ttl"] = int(ttl)
    application = settings.get("application_id") and settings.get("private_key")
    auth = BEARER if application else {"authorization": "Basic {api_key}:{api_secret}"}
    return sending(f"{(settings.get('url') or URL).rstrip('/')}/v1/messages", fields, auth)


def _sms(to: str, sender: str, body: str, ref: str, settings: Mapping[str, str]) -> HttpRequest:
    fields = {
        "api_key": settings["api_key"], "to": to, "from": sender, "text": body, "client-ref": ref,
        "type": "text" if counted(body).encoding == "gsm7" else "unicode",
    }  # fmt: skip
    if ttl := settings.get("ttl"):
        fields["ttl"] = str(int(ttl) * 1000)
    return HttpRequest(
        url=f"{(settings.get('url') or SMS_URL).rstrip('/')}/sms/json",
        headers={"content-type": "application/x-www-form-urlencoded"},
        fields={"api_secret": "{api_secret}"},
        body=urlencode(fields).encode(),
    )


def classify(result: Answer | Failure) -> Outcome:
    """What Vonage's answer means. The SMS API says 200 to everything and tells of every part by itself."""
    if isinstance(result, Answer) and 200 <= result.code < 300:
        told = spoken(result.body)
        if "messages" in told:
            return _parts(result, rows(told.get("messages")))
    return outcome(result, rows=MESSAGES_ROWS, ref=_uuid, error=error)


def _parts(result: Answer, parts: list[Mapping[str, Any]]) -> Outcome:
    states = [text(one.get("status")) for one in parts]
    if not states:
        return Ambiguous(reason="an answer that tells of no part")
    if all(state == "0" for state in states):
        ref = text(parts[0].get("message-id"))
        return Accepted(ref=ref[:100]) if ref else Ambiguous(reason="an answer without an id")
    if "0" in states:
        return Ambiguous(reason="some parts of the message were taken, others were not")
    known = {row.name for row in SMS_ROWS}
    first = next((one for one in parts if text(one.get("status")) in known), None)
    if first is None:  # nothing says that it was taken, and nothing that it was not
        return Ambiguous(reason=f"a status that nobody knows: {str(states[0])[:20]}")
    told = (text(first.get("status")) or "", text(first.get("error-text")) or "")
    return outcome(Answer(code=400, headers=result.headers), rows=SMS_ROWS, ref=_uuid, error=lambda _: told)


def error(said: Said) -> tuple[str, str]:
    """(code, text) of an error of the Messages API: the code is the title, or stands at the end of `type`; without one
    the parameter that is invalid names it."""
    title, kind = text(said.get("title")) or "", text(said.get("type")) or ""
    code = title if title.isdigit() else kind.rpartition("#")[2]
    wrong = [text(one.get("name")) or "" for one in rows(said.get("invalid_parameters"))]
    if not code.isdigit() or code in {"1010", "1020", "1410"}:
        code = next((f"invalid_{name}" for name in wrong if name in {"to", "from"}), code if code.isdigit() else "")
    detail = "; ".join(filter(None, (title if title != code else "", text(said.get("detail")))))
    return code[:20], detail


def _uuid(said: Said) -> str | None:
    found = text(said.get("message_uuid"))
    return found[:100] if found else None
