"""Requests to Openlogi's API, and what its answers say. https://api.openlogi.com/doc/api.html, X-Api-Version 1.5"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.parts.talk.asking import address, ask, good, paused, said
from connectors.parts.values.loose import rows, table
from engine.contracts import Answer, Asking, Conversation, Finding, HttpRequest, Unanswered

URL = "https://api.openlogi.com/api"
VERSION = "1.5"
MINUTE = "60"  # by which the allowance is counted; nothing is said of how much of it is left to wait


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Can shipments be read?"""
    try:
        told = yield from get(asking, "shipments")
    except Unanswered as unanswered:
        return (Finding(level="error", what=f"Openlogi's API: {unanswered}", do=_DO[unanswered.why]),)
    if not isinstance(table(told).get("shipments"), list):
        return (Finding(level="error", what="Openlogi's API answers without shipments", do="see whether url is right"),)
    count = len(rows(told["shipments"]))
    return (Finding(level="ok", what=f"Openlogi's API answers; shipments under way: {count}"),)


_DO = {
    "login": "issue a token as the main user (API Token管理) and set token",
    "rate": "nothing: it is asked again later; see which other programs use the token",
    "quota": "register a means of payment with Openlogi (status 402)",
    "provider": "nothing: it is asked again later; Openlogi may be under maintenance",
    "request": "see whether url is right",
}


def request(asking: Asking, *path: str) -> HttpRequest:
    """The request for what stands at the path."""
    return HttpRequest(
        url=address(asking.settings.get("url") or URL, *path),
        method="GET",
        headers={"accept": "application/json", "x-api-version": VERSION},
        auth={"authorization": "Bearer {token}"},
    )


def get(asking: Asking, *path: str) -> Conversation[Any]:
    """What stands at the path. Raises Unanswered."""
    answer = yield from ask(request(asking, *path))
    return told_by(answer)


def told_by(answer: Answer) -> Any:
    """The JSON value of a good answer. Raises Unanswered."""
    if answer.code == 402:
        raise Unanswered("quota", "status 402: Openlogi wants a means of payment", timedelta(hours=6))
    if answer.code == 429:
        answer = paused(answer, MINUTE)
    return said(good(answer))
