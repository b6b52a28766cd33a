"""One template message by the Cloud API, and what its answer means
(https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors.parts.sending.error_table import load_rows
from connectors.parts.sending.http_answer import Said
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import correlation
from connectors.parts.sending.short_text import number
from connectors.parts.talk.asking import sending
from connectors.parts.talk.oauth import BEARER
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Answer, Failure, HttpRequest, Outcome
from engine.model.message import Content, Envelope

URL, VERSION = "https://graph.facebook.com", "v23.0"
ROWS = load_rows(Path(__file__).with_name("errors.yaml"))
NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
COMPONENTS = frozenset({"header", "body", "button", "carousel", "limited_time_offer", "order_status"})
TEXT = 1_024  # characters of a body once its parameters are filled in
_RUNS = re.compile(r"[\n\t]| {5,}")  # not allowed in a parameter: error 132018 / 100


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One message by a template that WhatsApp has approved. Our id is the callback data, which comes back with every
    status. Raises ValueError for content that is no template, and for what is no number."""
    if problems := objections(content):
        raise ValueError("; ".join(problems))
    told = correlation(envelope)
    body = {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": number(envelope.to), "type": "template",
        "template": _template(content.payload), "biz_opaque_callback_data": f"{told['message']} {told['merchant']}",
    }  # fmt: skip
    base, version = (settings.get("url") or URL).rstrip("/"), settings.get("version") or VERSION
    return sending(f"{base}/{version}/{settings['phone_number_id']}/messages", body, BEARER)


def _template(payload: Mapping[str, Any]) -> dict[str, Any]:
    language = payload["language"]
    code = language["code"] if isinstance(language, dict) else language
    found: dict[str, Any] = {"name": payload["name"], "language": {"policy": "deterministic", "code": code}}
    if payload.get("components"):
        found["components"] = payload["components"]
    return found


def classify(result: Answer | Failure) -> Outcome:
    """What WhatsApp's answer, or its silence, means for the message. An error of Meta says that nothing was sent; a
    bare 5xx says nothing."""
    return answered(result, rows=ROWS, ref=_ref, error=error)


def error(said: Said) -> tuple[str, str]:
    """(code, text) of an error. 200 to 299 all mean that permission is missing."""
    told = table(said.get("error"))
    code = text(told.get("code")) or ""
    if code.isdigit() and 200 <= int(code) < 300:
        code = "200"
    detail = text(table(told.get("error_data")).get("details")) or text(told.get("message")) or ""
    return code[:20], detail


def _ref(said: Said) -> str | None:
    found = next((text(one.get("id")) for one in rows(said.get("messages"))), None)
    return found[:200] if found else None


def objections(content: Content) -> tuple[str, ...]:
    """What WhatsApp would refuse of a template's fields, in words."""
    return tuple(dict.fromkeys(_all(content.payload)))


def _all(payload: Any) -> Iterator[str]:
    if not isinstance(payload, dict) or payload.keys() - {"name", "language", "components"}:
        yield "it must be an object of name, language and components, as the template in WhatsApp Manager"
        return
    if not NAME.fullmatch(str(payload.get("name") or "")):
        yield "name: the template's name as in WhatsApp Manager, in small letters, digits and _"
    language = payload.get("language")
    code = language.get("code") if isinstance(language, dict) else language
    if not isinstance(code, str) or not LANGUAGE.fullmatch(code):
        yield "language: a code as ja or en_US"
    components = payload.get("components", [])
    if not isinstance(components, list) or not all(isinstance(one, dict) for one in components):
        yield "components: it must be a list of objects"
        return
    for place, one in enumerate(components, 1):
        yield from (f"component {place}: {said}" for said in _component(one))


def _component(one: Mapping[str, Any]) -> Iterator[str]:
    if one.get("type") not in COMPONENTS:
        yield f"its type is not one of {', '.join(sorted(COMPONENTS))}"
    if one.get("type") == "button" and not (one.get("sub_type") and str(one.get("index", "")).isdigit()):
        yield "a button needs sub_type and index"
    length = 0
    for parameter in rows(one.get("parameters")):
        if parameter.get("type") == "text":
            said = parameter.get("text")
            if not isinstance(said, str) or not said.strip():
                yield "a text parameter is empty: WhatsApp refuses the whole message"
            elif _RUNS.search(said):
                yield "a text parameter holds a line break, a tab or more than four spaces in a row"
            length += len(str(said or ""))
    if length > TEXT:
        yield f"its texts have more than {TEXT} characters"
