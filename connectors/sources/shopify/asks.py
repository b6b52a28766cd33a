"""Where a shop's Admin API is, who asks, and what its refusals mean.

https://shopify.dev/docs/api/usage/limits, https://shopify.dev/docs/apps/build/dev-dashboard/get-api-access-tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any
from urllib.parse import urlsplit

from connectors.parts.talk.asking import ask, form
from connectors.parts.talk.graphql import Heard, put, question
from connectors.parts.talk.oauth import granted
from connectors.parts.values.loose import number, table
from connectors.sources.shopify.queries import VERSION
from engine.contracts import Asking, Conversation, HttpRequest, Renewed, Unanswered

EARLY = timedelta(minutes=5)  # a token that runs out while it is used helps nobody
A_DAY = timedelta(hours=24)
_DENIED = frozenset({"access_denied", "unauthorized", "forbidden"})
_THROTTLED = "throttled"
_PAUSE = timedelta(seconds=10)  # where Shopify names none
_LONGEST = timedelta(minutes=10)


def may_ask(asking: Asking) -> bool:
    """Whether there is anything to ask with; without it the connection lives on its webhooks."""
    has = asking.settings
    return bool(has.get("token") or (has.get("client_id") and has.get("client_secret")))


def base(asking: Asking) -> str:
    """The shop's own address. Raises Unanswered("request") when neither `url` nor `shop` names one."""
    told = (asking.settings.get("url") or f"https://{asking.settings.get('shop', '')}").strip().rstrip("/")
    if urlsplit(told).scheme not in ("https", "http") or not urlsplit(told).hostname:
        raise Unanswered("request", "the setting shop is missing: set shop=<name>.myshopify.com")
    return told


def heard(asking: Asking, query: str, variables: Mapping[str, Any] | None = None) -> Conversation[Heard]:
    """One question and what was heard. A token of an app's own runs out after a day: it is renewed before that, and
    once when it is refused. Raises Unanswered("rate") when the bucket of points is empty."""
    fresh = asking.settings.get("token") is not None
    if not fresh and _runs_out(asking):
        yield from _login(asking)
        fresh = True
    asked = question(f"{base(asking)}/admin/api/{VERSION}/graphql.json", query, _auth(asking), variables)
    try:
        answer = yield from put(asked)
    except Unanswered as met:
        if fresh or met.why != "login":
            raise
        yield from _login(asking)
        answer = yield from put(asked)
    if _THROTTLED in answer.codes:
        raise Unanswered("rate", "the points of this app are used up", pause(answer) or _PAUSE)
    return answer


def pause(answer: Heard) -> timedelta | None:
    """How long it takes until the bucket holds enough points for such a question; None when it does."""
    cost = table(answer.beside.get("cost"))
    status = table(cost.get("throttleStatus"))
    needed, held = number(cost.get("requestedQueryCost")), number(status.get("currentlyAvailable"))
    rate = number(status.get("restoreRate"))
    if needed is None or held is None or not rate or held >= needed:
        return None
    return min(timedelta(seconds=ceil((needed - held) / rate)), _LONGEST)


def whole(answer: Heard, name: str) -> Mapping[str, Any]:
    """What stands under `name`. Raises Unanswered when Shopify refuses it: parts of it may be refused."""
    found = answer.data.get(name)
    if isinstance(found, dict):
        return found
    raise Unanswered("login" if answer.codes & _DENIED else "request", f"Shopify refused: {answer.refusals}")


def _auth(asking: Asking) -> Mapping[str, str]:
    return {"x-shopify-access-token": "{token}" if asking.settings.get("token") else "{access_token}"}


def _runs_out(asking: Asking) -> bool:
    until = asking.until.get("access_token")
    return not asking.settings.get("access_token") or until is None or until - asking.now < EARLY


def _login(asking: Asking) -> Conversation[None]:
    """The client credentials grant: a token of 24 hours, kept before it is used."""
    has = asking.settings
    fields = {
        "grant_type": "client_credentials",
        "client_id": has.get("client_id", ""),
        "client_secret": has.get("client_secret", ""),
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    request = HttpRequest(url=f"{base(asking)}/admin/oauth/access_token", headers=headers, body=form(fields))
    answer = yield from ask(request)
    if answer.code == 400:  # invalid_client, shop_not_permitted: the app is not installed there
        raise Unanswered("login", "Shopify does not know this client_id and client_secret for the shop")
    token, lasts = granted(answer)
    yield Renewed(secrets={"access_token": token}, until={"access_token": asking.now + (lasts or A_DAY)})
