"""Webhooks of ShipBob: see to it that they come, and say what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.talk.asking import as_body, ask, good, said
from connectors.parts.values.loose import rows, table, text
from connectors.sources.shipbob.asked import asked, delete, get, paused, post
from engine.contracts import Answer, Asking, Conversation, Finding, Renewed, Unanswered

EVERYWHERE = (
    "order.shipped", "order.shipment.delivered", "order.shipment.exception", "order.shipment.on_hold",
    "order.shipment.cancelled", "return.created", "return.updated", "return.completed",
)  # fmt: skip
NEWER = ("order.shipment.tracking.updated",)  # some versions of the API do not take it yet
SCOPES = {
    "orders_read": "nothing is found by polling",
    "fulfillments_read": "shipments are missing in the orders",
    "returns_read": "nothing is heard of returns",
    "webhooks_read": "whether webhooks come cannot be looked up",
    "webhooks_write": "webhooks cannot be registered from here",
}
TOKENS = "Integrations > API Tokens in the ShipBob dashboard"
FEW = 20


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the token work, with which scopes, and are webhooks switched off?"""
    try:
        answer = yield from asked(get(asking, "channel"))
    except Unanswered as refused:
        if refused.why != "login":
            raise
        do = f"make a new token under {TOKENS} and set it with --set token=..."
        return (Finding(level="error", what="ShipBob refuses the token", do=do),)
    scopes = {scope for channel in _items(answer) for scope in _texts(channel.get("scopes"))}
    found = [Finding(level="ok", what="ShipBob takes the token")]
    for scope, without in SCOPES.items():
        if scopes and scope not in scopes:
            do = f"make a token with the scope {scope} under {TOKENS}"
            found.append(Finding(level="warning", what=f"the token lacks {scope}: {without}", do=do))
    if not scopes or "webhooks_read" in scopes:
        hooks = yield from _hooks(asking)
        off = [hook for hook in hooks if hook.get("enabled") is False]
        if off:
            what = f"webhooks switched off, as ShipBob does after five days of failures: {len(off)} of {len(hooks)}"
            found.append(Finding(level="warning", what=what, do="switch them on under Integrations > Webhooks"))
    return tuple(found)


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """One subscription for all topics. ShipBob makes its secret and tells it once, when the subscription is made:
    one whose secret is not here, that is switched off or lacks topics, is made anew and then taken away."""
    ours = [hook for hook in (yield from _hooks(asking)) if text(hook.get("url")) == target]
    if asking.settings.get("secret") and any(_complete(hook) for hook in ours):
        return (Finding(level="ok", what="ShipBob's webhooks are registered"),)
    answer = yield from _create(asking, target, (*EVERYWHERE, *NEWER))
    if answer.code in (400, 422):
        answer = yield from _create(asking, target, EVERYWHERE)
    secret = text(table(said(good(answer))).get("secret"))
    if secret:
        yield Renewed(secrets={"secret": secret})
    for hook in ours:
        if found := text(hook.get("id")):
            yield from ask(delete(asking, "webhook", found))
    if not secret:
        do = "copy the secret from Integrations > Webhooks in the ShipBob dashboard and set it with --set secret=..."
        return (Finding(level="warning", what="ShipBob registered the webhooks and did not tell their secret", do=do),)
    return (Finding(level="ok", what="ShipBob's webhooks are registered anew"),)


def _create(asking: Asking, target: str, topics: tuple[str, ...]) -> Conversation[Answer]:
    body = as_body({"url": target, "topics": topics, "description": "Todoke"})
    return paused((yield from ask(post(asking, "webhook", body=body))))


def _complete(hook: Mapping[str, Any]) -> bool:
    return hook.get("enabled") is not False and set(EVERYWHERE) <= set(_texts(hook.get("topics")))


def _hooks(asking: Asking) -> Conversation[list[Mapping[str, Any]]]:
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    for _ in range(FEW):
        answer = yield from asked(get(asking, "webhook", RecordsPerPage=250, Cursor=cursor))
        found += _items(answer)
        following = text(table(said(answer)).get("next"))
        if not following or following == cursor or not _items(answer):
            break
        cursor = following
    return found


def _items(answer: Answer) -> list[Mapping[str, Any]]:
    body = said(answer)
    return rows(body if isinstance(body, list) else table(body).get("items"))


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
