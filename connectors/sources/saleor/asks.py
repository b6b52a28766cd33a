"""Where Saleor's API is, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.parts.talk.graphql import Heard, put, question
from engine.contracts import Asking, Conversation, Unanswered

_LOGIN = frozenset({
    "permission_denied", "unauthenticated", "unauthorized", "invalid_token_error", "invalid_token", "expired_signature",
    "expired_signature_error", "jwt_invalid_token", "jwt_signature_expired", "jwt_decode_error",
})  # fmt: skip
AUTH = {"authorization": "Bearer {token}"}


def base(asking: Asking) -> str:
    """The address of the Saleor, however it was copied: with or without "/graphql/" at the end. Raises
    Unanswered("request") for something that is no address."""
    told = asking.settings.get("url", "").strip().rstrip("/").removesuffix("/graphql").rstrip("/")
    if urlsplit(told).scheme not in ("https", "http") or not urlsplit(told).hostname:
        raise Unanswered("request", "the setting url is not an address: set url=https://<your>.saleor.cloud")
    return told


def heard(asking: Asking, query: str, variables: Mapping[str, Any] | None = None) -> Conversation[Heard]:
    """One question with the app's token, and what was heard, refusals included."""
    return (yield from put(question(f"{base(asking)}/graphql/", query, AUTH, variables)))


def whole(answer: Heard, *needed: str) -> Mapping[str, Any]:
    """The data of an answer that holds all of `needed`. Raises Unanswered, by what Saleor says is wrong: fields that
    were refused may stand as null, what we cannot do without may not."""
    if all(answer.data.get(name) is not None for name in needed):
        return answer.data
    raise Unanswered("login" if answer.codes & _LOGIN else "request", f"Saleor refused: {answer.refusals}")
