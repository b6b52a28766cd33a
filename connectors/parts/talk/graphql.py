"""GraphQL as the APIs of vendors speak it: a question, an answer that may hold data and errors side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.parts.talk.asking import ask, good, said
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Conversation, HttpRequest, Unanswered

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An answer: what it gives, what it refuses by codes in lower case ("access_denied") with the path to where, and
    what it says beside. A field that was refused stands as null in `data`, others may be there."""

    data: Mapping[str, Any]
    errors: tuple[tuple[str, str], ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(code for code, _ in self.errors)

    @property
    def refusals(self) -> str:
        """For people: "access_denied at order.customer"; never a message, which may quote a value."""
        told = (f"{code} at {path}" if path else code for code, path in self.errors[:3])
        return ", ".join(told) or "an answer without data"


def question(url: str, query: str, auth: Mapping[str, str], variables: Mapping[str, Any] | None = None) -> HttpRequest:
    """The POST that asks a query at `url`, the API's one address."""
    body = msgspec.json.encode({"query": query, "variables": dict(variables or {})})
    headers = {"content-type": "application/json", "accept": "application/json"}
    return HttpRequest(url=url, headers=headers, auth=auth, body=body)


def put(request: HttpRequest) -> Conversation[Heard]:
    """One question and what was heard. Raises Unanswered for an answer that is not GraphQL's. Some servers give
    status 400 to a question that they understand in part: the errors in its body say more than the status."""
    answer = yield from ask(request)
    value = said(answer if answer.code == 400 else good(answer))
    if not isinstance(value, dict) or not ("data" in value or "errors" in value):
        good(answer)
        raise Unanswered("provider", "an answer that is not GraphQL")
    return Heard(
        data=table(value.get("data")), errors=tuple(_errors(value.get("errors"))), beside=table(value.get("extensions"))
    )


def _errors(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, list):
        return [("error", "")] if value else []
    return [(_code(row), _path(row.get("path"))) for row in rows(value)] or [("error", "")] * bool(value)


def _code(row: Mapping[str, Any]) -> str:
    told = table(row.get("extensions"))
    code = text(told.get("code")) or text(table(told.get("exception")).get("code")) or "error"
    return snake_word(code)[:64]


def _path(path: object) -> str:
    return ".".join(str(part)[:40] for part in path[:8]) if isinstance(path, list) else ""


def following(listed: Mapping[str, Any]) -> str | None:
    """Where the list goes on behind this page of it (`pageInfo { hasNextPage endCursor }`); None at its end."""
    page = table(listed.get("pageInfo"))
    return text(page.get("endCursor")) if page.get("hasNextPage") is True else None


def snake(value: Any) -> Any:
    """The value with the keys of all its objects as `snake_case`: REST and GraphQL of one vendor use the same words
    and write them differently."""
    if isinstance(value, dict):
        return {snake_word(key): snake(inner) for key, inner in value.items()}
    return [snake(inner) for inner in value] if isinstance(value, list) else value


def snake_word(word: str) -> str:
    """ "userEmail" -> "user_email", "ACCESS_DENIED" -> "access_denied"."""
    return _HUMP.sub("_", word).lower()
