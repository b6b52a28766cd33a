"""Asking for a review is handed over: the platform writes, and is told whom about which order. No content of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from connectors.parts.sending.address import address
from connectors.parts.sending.http_answer import Row, Said, no_id
from connectors.parts.sending.http_answer import outcome as answered
from engine.contracts import Accepted, Ambiguous, Answer, Capabilities, Failure, Outcome
from engine.model.message import Envelope

NAMELESS = {"ja": "お客様"}


ROWS = (Row("400", "rejected", "message"), Row("422", "rejected", "message"))  # behind those of the platform


def capabilities(per_second: int) -> Capabilities:
    """A platform asks for something: it is handed nothing but messages of the purpose "service"."""
    return Capabilities(per_second=per_second, purposes=frozenset({"service"}))


def customer(envelope: Envelope) -> str:
    """The wire form of the customer's address. Raises BadAddress."""
    return address(envelope.to)


def name(envelope: Envelope, locale: str) -> str:
    """As the platform writes to them."""
    return " ".join((envelope.to_name or "").split())[:200] or NAMELESS.get(locale, "Customer")


def number(envelope: Envelope) -> str:
    """By what the platform files the request: the shop's number of the order, else our id."""
    return (envelope.order or envelope.id)[:200]


def handed_over(
    result: Answer | Failure, *, rows: Sequence[Row] = ROWS, ref: Callable[[Said], str | None] = no_id
) -> Outcome:
    """The outcome of one request to a platform whose pages do not say what a good answer holds: 2xx is one when its
    body is empty or a JSON object that names no error, and not a page of somebody in between."""
    if not isinstance(result, Answer) or not 200 <= result.code < 300:
        return answered(result, rows=rows, ref=ref, error=error)
    if not result.body.strip():
        return Accepted()
    try:
        said = msgspec.json.decode(result.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Ambiguous(reason=f"a reply with status {result.code} that is not JSON")
    if not isinstance(said, dict) or said.get("error") or said.get("errors"):
        return Ambiguous(reason=f"a reply with status {result.code} that is none of a platform's, or names an error")
    return Accepted(ref=ref(said))


def error(said: Said) -> tuple[str, str]:
    """(name, text) out of the shapes that errors have: {"error", "message"}, {"errors": [{"code", "message"}]}."""
    errors = said.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = first.get("code") or said.get("errorCode") or said.get("code") or ""
    text = first.get("message") or said.get("message") or said.get("error_description") or said.get("error") or ""
    return str(code)[:100], text if isinstance(text, str) else ""
