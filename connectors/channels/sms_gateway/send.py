"""One SMS by a gateway, as its description says, and what its answer means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.channels.sms_gateway.gateway import Gateway, gateway_of
from connectors.parts.sending import short_text
from connectors.parts.sending.http_answer import outcome
from connectors.parts.sending.mail_api import correlation
from connectors.parts.values.loose import text as as_text
from engine.contracts import Accepted, Ambiguous, Answer, Failure, HttpRequest, Outcome, Unreadable
from engine.model.message import Content, Envelope
from engine.model.segments import JAPAN

_SLOT = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"=(-?\d+(\.\d+)?|true|false|null)")


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One POST. Raises ValueError for what the gateway cannot carry, and for a description that cannot be used."""
    try:
        gateway = gateway_of(settings)
    except Unreadable as mistake:
        raise ValueError(str(mistake)) from None
    told = {
        **correlation(envelope), "to": _number(envelope.to, gateway), "order": envelope.order or "",
        "text": short_text.text_of(content, gateway.most), "from": settings.get("from", ""),
    }  # fmt: skip
    filled = {name: _filled(value, told, gateway.json) for name, value in gateway.fields.items()}
    kind = "application/json" if gateway.json else "application/x-www-form-urlencoded"
    headers = {name.lower(): value for name, value in gateway.headers.items()}
    return HttpRequest(
        url=f"{settings['url'].rstrip('/')}{gateway.path}",
        headers={"content-type": kind, **headers},
        auth={name.lower(): value for name, value in gateway.auth.items()},
        fields=gateway.secrets,
        body=msgspec.json.encode(filled) if gateway.json else urlencode(filled, doseq=True).encode(),
    )


def _number(to: str, gateway: Gateway) -> str:
    """+81 90... as the gateway wants it: with +, without it, or as it is dialled in Japan."""
    known = short_text.number(to)
    match gateway.number:
        case "international":
            return known[1:]
        case "domestic":
            if not known.startswith("+81"):
                raise ValueError("this gateway reaches Japanese numbers only")
            return f"0{known[3:]}"
    return known


def _filled(value: Any, told: Mapping[str, str], typed: bool) -> Any:
    """The value with its slots filled. In JSON, "=5" and "=true" are what stands after the sign."""
    if isinstance(value, dict):
        return {name: _filled(one, told, typed) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, told, typed) for one in value]
    if typed and _NUMBER.fullmatch(str(value)):
        return msgspec.json.decode(str(value)[1:].encode())
    return _SLOT.sub(lambda slot: told.get(slot[1], ""), str(value))


def classify_by(result: Answer | Failure, settings: Mapping[str, str]) -> Outcome:
    """What the gateway's answer means by its description. What neither passes its test nor carries a code that stands
    there may have been taken, where the status says that all was well."""
    try:
        gateway = gateway_of(settings)
    except Unreadable as mistake:
        return Ambiguous(reason=str(mistake)[:200]) if isinstance(result, Answer) else classify(result)
    if isinstance(result, Failure):
        return classify(result)
    told = _document(result)
    if any(str(result.code).startswith(one) for one in gateway.good) and _passes(gateway, told):
        found = as_text(gateway.id.of(told)) if gateway.id else None
        if found or gateway.id is None:
            return Accepted(ref=found[:200] if found else None)
    words = (as_text(gateway.text.of(told)) if gateway.text else None) or ""
    name, known = _named(gateway, told, result.code)
    good = 200 <= result.code < 300
    if good and not known:
        return Ambiguous(reason=f"status {result.code} with a code that is not described: {name[:40] or 'none'}")
    answer = Answer(code=400 if good else result.code, headers=result.headers, body=result.body)
    return outcome(answer, rows=gateway.rows, error=lambda _: (name[:60], words))


def _named(gateway: Gateway, told: Mapping[str, Any], status: int) -> tuple[str, bool]:
    """(code, whether it is described): the gateway's own; else the status, which is a code only where it is bad or the
    gateway has no other."""
    described = {row.name for row in gateway.rows}
    code = (as_text(gateway.code.of(told)) if gateway.code else None) or ""
    code = "" if code == "null" else code  # to_string() of nothing
    if code not in described and str(status) in described and (gateway.code is None or status >= 300):
        return str(status), True
    return code, code in described


def classify(result: Answer | Failure) -> Outcome:
    """What an answer means by its status alone."""
    return outcome(result, error=lambda said: ("", ""))


def _passes(gateway: Gateway, told: Mapping[str, Any]) -> bool:
    return gateway.when is None or bool(gateway.when.of(told))


def _document(result: Answer) -> Mapping[str, Any]:
    """What expressions are asked of: status, headers, text, and body where it is JSON."""
    try:
        body = msgspec.json.decode(result.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    text = result.body[:4000].decode("utf-8", "replace")
    return {"status": result.code, "headers": dict(result.headers), "text": text, "body": body}


def objections(content: Content) -> tuple[str, ...]:
    """What cannot be carried of this text, in words; a gateway may take less."""
    return short_text.objections(content, JAPAN)
