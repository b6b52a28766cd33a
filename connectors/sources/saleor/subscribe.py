"""The published keys, and the webhook of our app: https://docs.saleor.io/developer/extending/webhooks/overview"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.parts.senders.jwks import is_key_set, key_set
from connectors.parts.talk.asking import address, ask, good
from connectors.parts.values.loose import first, rows, table, text
from connectors.sources.saleor.asks import base, heard, whole
from connectors.sources.saleor.queries import APP, CREATE, EVENTS, SUBSCRIPTION, UPDATE
from engine.contracts import Asking, Conversation, Finding, HttpRequest, Renewed

MOST_KEYS_TEXT = 64 * 1024


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """Fetch the keys that deliveries are signed with, then see to it that one webhook of our app posts to `target`
    with our query, creating or repairing it."""
    keys = yield from renew_keys(asking)
    if not asking.settings.get("token"):
        by_hand = "make an app with MANAGE_ORDERS and set its token, or create the webhook by hand as the README shows"
        return (keys, Finding(level="warning", what="the webhook is not looked after: no token", do=by_hand))
    if keys.level == "error" and not asking.settings.get("secret"):
        return (keys,)
    app = table(whole((yield from heard(asking, APP)), "app")["app"])
    mine = [hook for hook in rows(app.get("webhooks")) if _is_ours(hook, target)]
    exact = [hook for hook in mine if text(hook.get("targetUrl")) == target]
    hook = next(iter([*exact, *mine]), None)
    if hook and exact and _is_right(hook):
        return (keys, Finding(level="ok", what="the webhook is there and complete"))
    wanted: dict[str, Any] = {"targetUrl": target, "asyncEvents": EVENTS, "isActive": True, "query": SUBSCRIPTION}
    if hook:
        answer = yield from heard(asking, UPDATE, {"id": hook.get("id"), "input": wanted})
        return (keys, _done(table(answer.data.get("webhookUpdate")), "the webhook was repaired", answer.refusals))
    answer = yield from heard(asking, CREATE, {"input": {"name": "Todoke", **wanted}})
    return (keys, _done(table(answer.data.get("webhookCreate")), "the webhook was created", answer.refusals))


def renew_keys(asking: Asking) -> Conversation[Finding]:
    """Fetch the key set; saved when it is another one."""
    url = address(base(asking), ".well-known", "jwks.json")
    answer = good((yield from ask(HttpRequest(url=url, method="GET", headers={"accept": "application/json"}))))
    told = answer.body.decode("utf-8", "replace").strip()
    if len(told) > MOST_KEYS_TEXT or not is_key_set(told) or not key_set(told):
        return Finding(
            level="error",
            what="/.well-known/jwks.json publishes no key that can sign",
            do="set RSA_PRIVATE_KEY of the Saleor server, or give the webhook a secretKey",
        )
    if told != asking.settings.get("jwks"):
        yield Renewed(secrets={"jwks": told})
    return Finding(level="ok", what="the keys that deliveries are signed with are known")


def _is_ours(hook: Mapping[str, Any], target: str) -> bool:
    """Another host with our path is the address that this connection had before."""
    url = text(hook.get("targetUrl")) or ""
    return url == target or urlsplit(url).path == urlsplit(target).path


def _is_right(hook: Mapping[str, Any]) -> bool:
    events = {text(row.get("eventType")) for row in rows(hook.get("asyncEvents"))}
    query = str(hook.get("subscriptionQuery") or "")
    return hook.get("isActive") is not False and set(EVENTS) <= events and query.split() == SUBSCRIPTION.split()


def _done(result: Mapping[str, Any], what: str, refusals: str) -> Finding:
    wrong = [first(row.get("code"), row.get("field")) or "error" for row in rows(result.get("errors"))]
    if result.get("webhook") is not None and not wrong:
        return Finding(level="ok", what=what)
    return Finding(
        level="error",
        what=f"the webhook could not be registered: {', '.join(wrong) or refusals}",
        do="give the app the permission MANAGE_ORDERS, and an intake address that Saleor can reach",
    )
