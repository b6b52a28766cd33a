"""Requests to BASE's API: a token that lives an hour, errors by name, and limits by the hour and the day.

https://docs.thebase.in/docs/api/ (OAuth; 利用制限: 5,000 requests an hour and 100,000 a day for each shop, counted anew
at every full hour) and https://docs.thebase.in/docs/api/oauth/refresh_token (a refresh token lives about 30 days).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn

import msgspec

from connectors.parts.talk import oauth
from connectors.parts.talk.asking import address, good, said
from connectors.parts.values.loose import identity, rows, table, text
from connectors.parts.values.times import zone_named
from connectors.sources.base.words import ZONE
from engine.contracts import Answer, Asking, Conversation, Finding, HttpRequest, Unanswered

URL = "https://api.thebase.in"
TOKENS = timedelta(days=30)
AFTER = timedelta(minutes=1)  # their clock and ours differ

LOGIN = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "access_denied", "invalid_token"})


def get(asking: Asking, *path: str, **query: object) -> Conversation[Mapping[str, Any]]:
    """The object that the API answers. Raises Unanswered; `missing` tells an order that is not there."""
    base = (asking.settings.get("url") or URL).rstrip("/").removesuffix("/1")
    renewal = oauth.Renewal(
        url=address(base, "1", "oauth", "token"),
        fields=("client_id", "client_secret", "redirect_uri"),
        lifetime=TOKENS,
        judge=partial(_judge, asking.now),
    )
    request = HttpRequest(
        url=address(base, "1", *path, **query),
        method="GET",
        headers={"accept": "application/json"},
        auth=oauth.BEARER,
    )
    answer = yield from oauth.put(asking, renewal, request, _token_is_dead)
    _judge(asking.now, answer)
    return table(said(good(answer)))


def companies(asking: Asking) -> Conversation[dict[str, str]]:
    """Names of carriers by their ids."""
    told = yield from get(asking, "delivery_companies")
    named = (
        (identity(row.get("delivery_company_id")), text(row.get("name")))
        for row in rows(told.get("delivery_companies"))
    )
    return {number: name for number, name in named if number and name}


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Can orders be read?"""
    try:
        told = yield from get(asking, "orders", limit=1)
    except Unanswered as unanswered:
        return (Finding(level="error", what=f"BASE's API: {unanswered}", do=_DO[unanswered.why]),)
    if not isinstance(told.get("orders"), list):
        return (Finding(level="error", what="BASE's API answers without orders", do="see whether url is right"),)
    return (Finding(level="ok", what="BASE's API answers, and orders can be read"),)


_DO = {
    "login": "authorise the app anew with the scope read_orders and set refresh_token, as the README says",
    "rate": "nothing: it is asked again later",
    "quota": "nothing: it is asked again when the limit is over; see which other apps use the API",
    "provider": "nothing: it is asked again later",
    "request": "see whether url is right",
}


def missing(unanswered: Unanswered) -> bool:
    """Does the API say that there is no such order?"""
    return "no_order" in str(unanswered)


def _error(answer: Answer) -> tuple[str, str]:
    """The name of an error and its description; errors come with status 400, and with 200 from older addresses."""
    try:
        told = table(msgspec.json.decode(answer.body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    return text(told.get("error")) or "", text(told.get("error_description")) or ""


def _token_is_dead(answer: Answer) -> bool:
    name, description = _error(answer)
    return answer.code == 401 or (name in ("invalid_request", "invalid_token") and "トークン" in description)


def _judge(now: datetime, answer: Answer) -> None:
    """Raises Unanswered for an error by its name: the status says nothing here."""
    name, description = _error(answer)
    if not name or answer.code >= 500:
        return
    if name in ("hour_api_limit", "day_api_limit"):
        _refuse_until(now, name)
    if name == "invalid_scope":
        raise Unanswered("login", "invalid_scope: the app has no scope read_orders")
    if name in LOGIN or (name == "invalid_request" and "トークン" in description):
        raise Unanswered("login", f"{name}: the token is not taken")
    raise Unanswered("request", "".join(c for c in name if c.isalnum() or c == "_")[:64])


def _refuse_until(now: datetime, name: str) -> NoReturn:
    local = now.astimezone(zone_named(ZONE))
    if name == "hour_api_limit":
        free = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    else:
        free = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    raise Unanswered("quota", name, free - local + AFTER)
