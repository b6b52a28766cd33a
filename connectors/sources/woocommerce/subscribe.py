"""Webhooks: https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks

WooCommerce disables one after five failures in a row. Which secret it signs with cannot be read, so whatever is
repaired gets ours again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.parts.talk.asking import ask, good
from connectors.parts.values.loose import identity, text
from connectors.sources.woocommerce.asks import change, listed, request
from engine.contracts import Asking, Conversation, Finding

TOPICS = ("order.created", "order.updated", "order.restored")
MANY = 100
MOST_PAGES = 50
_REFUSED = frozenset({401, 403})
WRITE = "WooCommerce > Settings > Advanced > REST API: give the key Read/Write, by a user who manages the shop"


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """One active webhook per topic that posts to `target` with our secret: created, or repaired where it was disabled
    or still has the address that this connection had before. A paused one was paused by somebody, and stays so."""
    if not asking.settings.get("secret"):
        do = "give the connection a secret: --set secret=<a long text of yours>"
        return (Finding(level="error", what="webhooks cannot be registered without a secret", do=do),)
    hooks = yield from webhooks(asking)
    findings = []
    for topic in TOPICS:
        findings.append((yield from _one(asking, topic, target, _of(hooks, topic, target))))
    return tuple(findings)


def webhooks(asking: Asking) -> Conversation[list[Mapping[str, Any]]]:
    """Every webhook of the shop."""
    found: dict[str, Mapping[str, Any]] = {}
    for number in range(1, MOST_PAGES):
        page = yield from listed(request(asking, "webhooks", per_page=MANY, page=number, status="all"))
        new = {name: row for row in page.rows if (name := identity(row.get("id"))) and name not in found}
        found |= new
        if not new or not page.more_after(number, MANY):
            break
    return list(found.values())


def _one(asking: Asking, topic: str, target: str, hooks: list[Mapping[str, Any]]) -> Conversation[Finding]:
    exact = [hook for hook in hooks if text(hook.get("delivery_url")) == target]
    states = {text(hook.get("status")) for hook in exact}
    if "active" in states:
        return Finding(level="ok", what=f"webhook {topic}: active")
    if "paused" in states:
        do = "WooCommerce > Settings > Advanced > Webhooks: set it to Active"
        return Finding(level="warning", what=f"webhook {topic}: somebody has paused it", do=do)
    wanted = {"delivery_url": target, "secret": asking.settings["secret"], "status": "active"}
    if broken := next(iter([*exact, *hooks]), None):
        name = identity(broken.get("id")) or ""
        what = "was disabled after failures, and is active again" if exact else "had an old address, and has ours now"
        asked = change(asking, "PUT", "webhooks", name, **wanted)
    else:
        what = "was created"
        asked = change(asking, "POST", "webhooks", name=f"Todoke {topic}", topic=topic, **wanted)
    answer = yield from ask(asked)
    if answer.code in _REFUSED:
        return Finding(level="error", what=f"webhook {topic}: the key may not change it", do=WRITE)
    if answer.code == 400:
        do = "check that the shop can reach the intake address, which has to begin with https://"
        return Finding(level="error", what=f"webhook {topic}: the shop does not accept it", do=do)
    good(answer)
    return Finding(level="ok", what=f"webhook {topic}: {what}")


def _of(hooks: Iterable[Mapping[str, Any]], topic: str, target: str) -> list[Mapping[str, Any]]:
    """Those of the topic that post to us, now or at an address with our path that we had before."""
    path = urlsplit(target).path
    return [
        hook
        for hook in hooks
        if text(hook.get("topic")) == topic and urlsplit(text(hook.get("delivery_url")) or "").path == path
    ]
