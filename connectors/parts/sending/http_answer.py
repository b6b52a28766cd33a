"""What a provider's HTTP answer means: one table that every HTTP channel shares, its own rows before it.

Which statuses tell that a message was surely not taken stands in RFC 9110 (408, 421, 429), RFC 8470 (425) and in
the providers' pages; any other 5xx may have been said after the message was taken, and is ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

from engine.contracts import Accepted, Ambiguous, Answer, Deferred, Failure, FailureScope, Outcome, Rejected

Said = Mapping[str, Any]  # the JSON object of a reply; empty when it held none

_ADDRESS = re.compile(r"<?[^\s<>:;,\"'`]+@[^\s<>:;,\"'`]+>?")
_SECONDS = re.compile(r"([0-9]+)(?:\.[0-9]*)?")
_LONGEST = timedelta(seconds=10**9)  # beyond any use; what is honoured is the engine's affair
_LONGEST_DETAIL = 300


Kind = Literal["accepted", "rejected", "deferred", "ambiguous"]


@dataclass(frozen=True)
class Row:
    """`status` is a status or its beginning ("5"); `name` the provider's own name of the error, where one says
    more than the status."""

    status: str
    kind: Kind
    scope: FailureScope = "provider"
    name: str = ""


ROWS: tuple[Row, ...] = (
    Row("3", "rejected", "account"),  # redirects are not followed: the address of the connection is wrong
    Row("401", "rejected", "account"),
    Row("402", "rejected", "account"),
    Row("403", "rejected", "account"),
    Row("404", "rejected", "account"),  # one path for all messages: if it is not there, it is the address
    Row("405", "rejected", "account"),
    Row("407", "rejected", "account"),
    Row("408", "deferred", "provider"),
    Row("410", "rejected", "account"),
    Row("421", "deferred", "provider"),
    Row("425", "deferred", "provider"),
    Row("426", "rejected", "account"),
    Row("429", "deferred", "rate"),
    Row("451", "rejected", "account"),
    Row("4", "rejected", "message"),
    Row("", "ambiguous"),
)


def no_id(said: Said) -> None:
    """Of a provider that gives a good reply no id, or not in its body."""


def named(name: str) -> Callable[[Said], str | None]:
    """Reads the id that stands under `name`: a text of at most 200 characters."""

    def ref(said: Said) -> str | None:
        found = said.get(name)
        return found if isinstance(found, str) and 0 < len(found) <= 200 else None

    return ref


def outcome(
    result: Answer | Failure, *, rows: Sequence[Row] = (),
    ref: Callable[[Said], str | None] = no_id, error: Callable[[Said], tuple[str, str]],
) -> Outcome:  # fmt: skip
    """The outcome of one request.

    `ref` reads the provider's id out of a good reply; without one the reply is not what the provider documents,
    and nobody knows what has answered. `error` reads (name, text) out of a bad one. `rows` win over the table.
    """
    if isinstance(result, Failure):
        if result.stage == "handed_over":
            return Ambiguous(reason=unnamed(result.text) or "no reply after the request had left")
        return Deferred(scope="provider", code=result.stage, detail=unnamed(result.text))
    said = spoken(result.body)
    if 200 <= result.code < 300:
        found = ref(said)
        return Accepted(ref=found) if found else Ambiguous(reason=f"a reply with status {result.code} without an id")
    name, text = error(said)
    code, detail = name or str(result.code), unnamed(text)
    row = next(one for one in (*rows, *ROWS) if _fits(one, str(result.code), name))
    match row.kind:
        case "accepted":
            return Accepted(detail=detail or code)
        case "rejected":
            return Rejected(scope=row.scope, code=code, detail=detail)
        case "deferred":
            return Deferred(scope=row.scope, code=code, after=retry_after(result.headers), detail=detail)
        case "ambiguous":
            return Ambiguous(reason=f"status {result.code} {code}: {detail or 'no reason given'}")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The pause that `retry-after` asks for: seconds, or a date, which counts from the reply's own `date` so that
    no clock but the provider's matters. None when it asks for nothing, or for nonsense; never negative."""
    asked = headers.get("retry-after", "").strip()
    if seconds := _SECONDS.fullmatch(asked):
        return timedelta(seconds=int(seconds[1])) if len(seconds[1]) < 10 else _LONGEST
    until, now = _date(asked), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max(until - now, timedelta(0)), _LONGEST)


def spoken(body: bytes) -> Said:
    """The JSON object in these bytes; empty when they are anything else."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def unnamed(text: str) -> str | None:
    """What was said without the mail addresses in it: it is kept, and shown, where no address may stand."""
    return _ADDRESS.sub("<address>", text)[:_LONGEST_DETAIL] or None


def _fits(row: Row, status: str, name: str) -> bool:
    return status.startswith(row.status) and row.name in {"", name}


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
