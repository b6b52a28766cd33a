"""Does the connection work? Looks and changes nothing."""

from __future__ import annotations

from connectors.parts.talk.asking import ask
from connectors.parts.values.loose import identity, text
from connectors.sources.woocommerce.asks import base, listed, request
from connectors.sources.woocommerce.subscribe import TOPICS, WRITE, webhooks
from engine.contracts import Asking, Conversation, Finding, Unanswered


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """The key, what it may do, the state of the order webhooks, and whether tracking numbers can be had."""
    findings = []
    if base(asking).startswith("http://"):
        do = "use the shop's https:// address"
        findings.append(Finding(level="warning", what="over http:// WooCommerce refuses a key sent like this", do=do))
    page = yield from listed(request(asking, "orders", per_page=1))
    findings.append(Finding(level="ok", what="orders can be read"))
    findings.append((yield from _webhooks(asking)))
    order_id = next((found for row in page.rows if (found := identity(row.get("id")))), None)
    if order_id:
        answer = yield from ask(request(asking, "orders", order_id, "shipment-trackings"))
        findings.append(_trackings(answer.code))
    return tuple(findings)


def _webhooks(asking: Asking) -> Conversation[Finding]:
    try:
        hooks = yield from webhooks(asking)
    except Unanswered as met:
        if met.why != "login":
            raise
        return Finding(level="warning", what="webhooks cannot be looked after: the key may not read them", do=WRITE)
    ours = [hook for hook in hooks if text(hook.get("topic")) in TOPICS]
    stopped = sum(1 for hook in ours if text(hook.get("status")) == "disabled")
    if stopped:
        do = "ours are switched on again within a day; for others see WooCommerce > Settings > Advanced > Webhooks"
        return Finding(level="warning", what=f"order webhooks that are disabled after failures: {stopped}", do=do)
    return Finding(level="ok", what=f"order webhooks: {len(ours)}, none disabled")


def _trackings(code: int) -> Finding:
    if 200 <= code < 300:
        return Finding(level="ok", what="the Shipment Tracking extension answers")
    do = "install Shipment Tracking, or connect the warehouse: WooCommerce itself has no tracking numbers"
    return Finding(level="warning", what="no Shipment Tracking extension: only orders can carry numbers", do=do)
