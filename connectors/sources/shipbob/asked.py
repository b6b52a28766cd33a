"""Requests to ShipBob's API. https://developer.shipbob.com/rate-limit: 150 in a minute, one count per token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connectors.parts.talk import asking as talk
from connectors.parts.talk.asking import address, ask, good
from engine.contracts import Answer, Asking, Conversation, HttpRequest

URL = "https://api.shipbob.com"
VERSION = "2026-01"


def get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    """A reading request below the version."""
    return _request(asking, "GET", path, query)


def post(asking: Asking, *path: str, body: bytes) -> HttpRequest:
    """A request that makes something."""
    request = _request(asking, "POST", path, {})
    return replace(request, body=body, headers={**request.headers, "content-type": "application/json"})


def delete(asking: Asking, *path: str) -> HttpRequest:
    """A request that takes something away."""
    return _request(asking, "DELETE", path, {})


def asked(request: HttpRequest) -> Conversation[Answer]:
    """The good answer. Raises Unanswered; the pause after too many requests is the one that ShipBob names."""
    return good(paused((yield from ask(request))))


def paused(answer: Answer) -> Answer:
    """The answer with the pause under the header that everybody else uses."""
    return talk.paused(answer, answer.headers.get("x-retry-after"))


def _request(asking: Asking, method: str, path: tuple[str, ...], query: Mapping[str, object]) -> HttpRequest:
    settings = asking.settings
    base, version = settings.get("url") or URL, settings.get("version") or VERSION
    channel = settings.get("channel")
    return HttpRequest(
        url=address(base, version, *path, **query),
        method=method,
        headers={"shipbob_channel_id": channel} if channel else {},
        auth={"authorization": "Bearer {token}"},
    )
