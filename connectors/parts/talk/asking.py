"""Parts of conversations with a source's system (`engine.contracts.Api`): ask, understand, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from connectors.parts.values.times import moment
from engine.contracts import Answer, Asking, Conversation, Delivery, HttpRequest, Parcels, Unanswered, UnderWay

ASKED_AT = "x-asked-at"
_LONGEST_PAUSE = timedelta(days=2)
_LOGIN = frozenset({401, 403, 407})
_DOWN = frozenset({408, 425})


def ask(request: HttpRequest) -> Conversation[Answer]:
    """One request and its answer, of any status: `answer = yield from ask(...)`."""
    answer = yield request
    if not isinstance(answer, Answer):
        raise TypeError("a request was handed back no answer")
    return answer


def under_way(wanted: UnderWay) -> Conversation[Parcels]:
    """The merchant's parcels that are under way, as the engine knows them."""
    told = yield wanted
    if not isinstance(told, Parcels):
        raise TypeError("no parcels were handed back")
    return told


def ask_json(request: HttpRequest) -> Conversation[Any]:
    """One request and the JSON value of its good answer. Raises Unanswered."""
    return said(good((yield from ask(request))))


def good(answer: Answer) -> Answer:
    """The answer when its status is 2xx. Raises Unanswered otherwise, by what the status says."""
    code = answer.code
    if 200 <= code < 300:
        return answer
    if code in _LOGIN:
        raise Unanswered("login", f"status {code}")
    if code == 429:
        raise Unanswered("rate", "status 429", pause(answer.headers))
    if code >= 500 or code in _DOWN:
        raise Unanswered("provider", f"status {code}", pause(answer.headers))
    raise Unanswered("request", f"status {code}")


def said(answer: Answer) -> Any:
    """The JSON value of the body. Raises Unanswered("provider"): a proxy's error page is nobody's answer."""
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unanswered("provider", f"status {answer.code} with a body that is not JSON") from None


def pause(headers: Mapping[str, str]) -> timedelta | None:
    """The whole seconds of `retry-after`; None when there are none."""
    asked = headers.get("retry-after", "").strip()
    if not (asked.isascii() and asked.isdigit()):
        return None
    return min(timedelta(seconds=int(asked[:9])), _LONGEST_PAUSE)


def paused(answer: Answer, seconds: str | None) -> Answer:
    """The answer with the pause that its system names in a way of its own, under the header that all others use."""
    return replace(answer, headers={"retry-after": seconds, **answer.headers}) if seconds else answer


def address(base: str, *path: str, **query: object) -> str:
    """`base` and more path, each part quoted, and the query without its empty values."""
    parts = "/".join((base.rstrip("/"), *(quote(part, safe="") for part in path)))
    told = urlencode({name: value for name, value in query.items() if value is not None})
    return f"{parts}?{told}" if told else parts


def form(fields: Mapping[str, str]) -> bytes:
    """A body of application/x-www-form-urlencoded."""
    return urlencode(fields).encode()


def sending(
    url: str, record: Any, auth: Mapping[str, str], method: str = "POST", more: Mapping[str, str] | None = None
) -> HttpRequest:
    """A request with the record as its JSON body; `more` are further headers."""
    headers = {"content-type": "application/json", **(more or {})}
    return HttpRequest(method=method, url=url, headers=headers, auth=auth, body=as_body(record))


def as_body(record: Any) -> bytes:
    """A record found in a larger answer as the body of a delivery of its own."""
    return msgspec.json.encode(record)


def state(name: str, body: bytes) -> str:
    """The key of a record whose system gives it no version: its name and a digest of what it says."""
    return f"{name}@{blake2b(body, digest_size=8).hexdigest()}"


def asked_now(asking: Asking) -> dict[str, str]:
    """The header of a found record whose system tells no time of its last change: it stood so when it was asked for."""
    return {ASKED_AT: asking.now.isoformat()}


def asked_at(delivery: Delivery) -> datetime | None:
    """When a poll asked for the record; None for one that came otherwise."""
    return moment(delivery.headers.get(ASKED_AT), "UTC")
