"""Webhooks of our app in the shop: https://shopify.dev/docs/apps/build/webhooks/subscribe/subscribe-using-api

Shopify deletes a subscription after eight failures in a row, so they are looked at again every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.parts.values.loose import first, rows, table, text
from connectors.sources.shopify.asks import heard, may_ask, whole
from connectors.sources.shopify.queries import CREATE, HOOKS, UPDATE
from engine.contracts import Asking, Conversation, Finding

TOPICS = (
    "ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_PAID", "ORDERS_CANCELLED", "ORDERS_FULFILLED",
    "ORDERS_PARTIALLY_FULFILLED", "FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE", "FULFILLMENT_EVENTS_CREATE",
    "REFUNDS_CREATE", "RETURNS_REQUEST", "RETURNS_APPROVE", "RETURNS_DECLINE",
)  # fmt: skip
MOST_PAGES = 20
SCOPES = "give the app the scopes read_orders, read_fulfillments and read_returns, and install it again"


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """One subscription per topic that posts everything to `target` as JSON: created where it is missing, repaired
    where it has another address of ours, another format or leaves something out."""
    if not may_ask(asking):
        do = "set client_id and client_secret of an app (or token), or create the webhooks by hand as the README shows"
        return (Finding(level="warning", what="webhooks are not looked after: no app", do=do),)
    if urlsplit(target).scheme != "https":
        do = "set TODOKE_BASE_URL to the https:// address that the outside knows"
        return (Finding(level="error", what="Shopify posts to https:// only", do=do),)
    hooks = yield from _hooks(asking)
    found = [*_signed_by(asking)]
    right = 0
    for topic in TOPICS:
        finding = yield from _one(asking, topic, target, hooks)
        right += finding is None
        found += [finding] if finding else []
    if right:
        found.insert(0, Finding(level="ok", what=f"webhooks that are there and complete: {right}"))
    return tuple(found)


def _one(asking: Asking, topic: str, target: str, hooks: list[Mapping[str, Any]]) -> Conversation[Finding | None]:
    mine = [hook for hook in hooks if text(hook.get("topic")) == topic and _is_ours(hook, target)]
    exact = [hook for hook in mine if _address(hook) == target]
    if any(_is_right(hook) for hook in exact):
        return None
    wanted = {"uri": target, "format": "JSON"}
    if broken := next(iter([*exact, *mine]), None):
        asked = {"id": broken.get("id"), "hook": {**wanted, "filter": "", "includeFields": []}}
        answer, name, done = (yield from heard(asking, UPDATE, asked)), "webhookSubscriptionUpdate", "repaired"
    else:
        answer = yield from heard(asking, CREATE, {"topic": topic, "hook": wanted})
        name, done = "webhookSubscriptionCreate", "created"
    result, called = table(answer.data.get(name)), topic.lower()
    wrong = [first(row.get("message")) or "refused" for row in rows(result.get("userErrors"))]
    if result.get("webhookSubscription") is not None and not wrong:
        return Finding(level="ok", what=f"webhook {called}: {done}")
    told = "; ".join(wrong)[:200] or answer.refusals
    what = f"webhook {called}: not registered ({told})"
    return Finding(level="warning" if topic.startswith("RETURNS") else "error", what=what, do=SCOPES)


def _hooks(asking: Asking) -> Conversation[list[Mapping[str, Any]]]:
    found: list[Mapping[str, Any]] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        listed = whole((yield from heard(asking, HOOKS, {"after": after})), "webhookSubscriptions")
        nodes = rows(listed.get("nodes")) or [table(edge.get("node")) for edge in rows(listed.get("edges"))]
        found += [node for node in nodes if node not in found]
        page = table(listed.get("pageInfo"))
        last, after = after, text(page.get("endCursor"))
        if page.get("hasNextPage") is not True or after in (None, last):
            break
    return found


def _address(hook: Mapping[str, Any]) -> str | None:
    """Newer versions say `uri`, older ones `callbackUrl`."""
    return first(hook.get("uri"), hook.get("callbackUrl"), table(hook.get("endpoint")).get("callbackUrl"))


def _is_ours(hook: Mapping[str, Any], target: str) -> bool:
    """Another host with our path is the address that this connection had before."""
    return urlsplit(_address(hook) or "").path == urlsplit(target).path


def _is_right(hook: Mapping[str, Any]) -> bool:
    return (text(hook.get("format")) or "JSON") == "JSON" and not hook.get("includeFields") and not hook.get("filter")


def _signed_by(asking: Asking) -> list[Finding]:
    """Webhooks that an app registers are signed with its client secret."""
    client, secret = asking.settings.get("client_secret"), asking.settings.get("secret")
    if not client or client == secret:
        return []
    do = "add it to the secrets: todoke connections set CONNECTION secret=<client secret>"
    return [Finding(level="warning", what="`secret` is not the app's client secret, which signs its webhooks", do=do)]
