"""Conversations with EC-CUBE's Web API: fetching the order that a webhook names, polling, checking.

https://doc4.ec-cube.net/plugin_api and https://github.com/EC-CUBE/eccube-api4: POST {shop}/api with a bearer token,
POST {shop}/token to renew it. Nothing is ever written: each mail or parcel that is written comes back as a webhook.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from connectors.parts.talk import oauth
from connectors.parts.talk.asking import address, as_body, good, said, state
from connectors.parts.talk.graphql import question
from connectors.parts.values.loose import identity, table
from connectors.sources.eccube.query import FIELDS, Fields, fewer, messages, one
from connectors.sources.eccube.read import ORDER
from connectors.sources.eccube.words import last_change
from engine.contracts import Asking, Conversation, Finding, Found, Page, Unanswered

MOST_FIELDS_LEFT_OUT = 12  # each takes a question; an API that knows fewer of ours is not the one we know
TOKENS = timedelta(days=30)  # a refresh token's life, unless the shop has changed it


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """The order that a webhook named ("orders/17"). One that is gone by now brings nothing."""
    number = ref.rpartition("/")[2]
    data = yield from put(asking, lambda fields: one(number, fields))
    record = table(data.get("order"))
    yield Page(found=(found(record),) if record else ())


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Can orders be read? Webhooks cannot be looked at: the API does not show them."""
    if not asking.settings.get("url"):
        return (Finding(level="error", what="the shop has no address", do="set url=https://shop.example.jp"),)
    try:
        data = yield from put(asking, lambda _: "{ orders(page: 1, limit: 1) { totalCount } }")
    except Unanswered as unanswered:
        return (Finding(level="error", what=f"the Web API: {unanswered}", do=_DO[unanswered.why]),)
    total = identity(table(data.get("orders")).get("totalCount")) or "no"
    findings = [Finding(level="ok", what=f"the Web API answers; orders in the shop: {total}")]
    if not asking.settings.get("refresh_token"):
        do = "authorise the API client as the README says and set refresh_token"
        findings.append(Finding(level="warning", what="the access token cannot be renewed when it runs out", do=do))
    return tuple(findings)


_DO = {
    "login": "authorise the API client anew (設定 > API管理 > OAuth管理, scope read) and set refresh_token",
    "rate": "nothing: it is asked again later",
    "quota": "nothing: it is asked again later",
    "provider": "see whether the shop is up and whether url is its address",
    "request": "see whether the plugin Web API is installed and enabled, and whether url is the shop's address",
}


def found(record: Any) -> Found:
    """An order as it goes into the inbox. The order's own date of change does not move when a parcel gets its number,
    so that its state is named by what it says; poll and webhook find the same."""
    body = as_body(record)
    number = identity(table(record).get("id"))
    changed_at = last_change(table(record))
    return Found(topic=ORDER, key=state(f"orders/{number}", body), body=body, changed_at=changed_at)


def put(asking: Asking, ask: Callable[[Fields], str]) -> Conversation[dict[str, Any]]:
    """The data of the answer to a question. Fields that the API does not know are left out and it is asked again.
    Raises Unanswered."""
    base = asking.settings.get("url", "")
    renewal = oauth.Renewal(url=address(base, "token"), lifetime=TOKENS)
    fields: Fields = FIELDS
    for _ in range(MOST_FIELDS_LEFT_OUT):
        request = question(address(base, "api"), ask(fields), oauth.BEARER)
        answer = yield from oauth.put(asking, renewal, request)
        value = said(answer if answer.code == 400 else good(answer))
        told = messages(value)
        left = fewer(fields, told)
        if left is None:
            return _data(value, told)
        fields = left
    raise Unanswered("request", "the Web API knows hardly any field of ours: another plugin, or another version")


def _data(value: Any, told: list[str]) -> dict[str, Any]:
    data = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, dict) and any(part is not None for part in data.values()):
        return data  # a field that could not be answered stands as null beside the others
    if not told and isinstance(data, dict):
        return data
    if any("permission" in message.lower() for message in told):
        raise Unanswered("login", "the token does not have the scope read")
    if any("internal server error" in message.lower() for message in told):
        raise Unanswered("provider", "the Web API met an error of its own")
    if told:
        raise Unanswered("request", "the Web API does not accept the question")
    raise Unanswered("provider", "an answer that is not GraphQL")
