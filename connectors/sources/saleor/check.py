"""Does the connection work? Looks and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.parts.senders.jwks import is_key_set
from connectors.parts.talk.asking import address, ask
from connectors.parts.values.loose import rows, table, text
from connectors.sources.saleor.asks import base, heard, whole
from connectors.sources.saleor.queries import APP, CAN_READ
from engine.contracts import Asking, Conversation, Finding, HttpRequest

GRANT = "Saleor dashboard: Extensions > your app > Permissions"


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Keys, token, permissions, and whether an order can be read with its log."""
    findings = [(yield from _keys(asking))]
    if not asking.settings.get("token"):
        do = "make an app with MANAGE_ORDERS in the dashboard and set its token: --set token=..."
        return (*findings, Finding(level="warning", what="no token: lost webhooks are not made up for", do=do))
    app = table(whole((yield from heard(asking, APP)), "app")["app"])
    findings += _permissions(app)
    read = yield from heard(asking, CAN_READ)
    if read.data.get("orders") is None or read.errors:
        findings.append(Finding(level="error", what=f"orders cannot be read: {read.refusals}", do=f"{GRANT}: orders"))
    else:
        findings.append(Finding(level="ok", what="orders can be read"))
    return tuple(findings)


def _keys(asking: Asking) -> Conversation[Finding]:
    url = address(base(asking), ".well-known", "jwks.json")
    answer = yield from ask(HttpRequest(url=url, method="GET", headers={"accept": "application/json"}))
    told = answer.body.decode("utf-8", "replace").strip()
    if answer.code != 200 or not is_key_set(told):
        what = f"the keys could not be fetched: status {answer.code} of /.well-known/jwks.json"
        return Finding(level="error", what=what, do="check the setting url")
    if told == asking.settings.get("jwks"):
        return Finding(level="ok", what="the keys that deliveries are signed with are known")
    if asking.settings.get("secret") and not asking.settings.get("jwks"):
        return Finding(level="ok", what="deliveries are signed with the webhook's secretKey")
    return Finding(
        level="warning", what="Saleor has published other keys than those we know", do="they are fetched within a day"
    )


def _permissions(app: Mapping[str, Any]) -> list[Finding]:
    codes = {text(row.get("code")) for row in rows(app.get("permissions"))}
    found = []
    if app.get("isActive") is False:
        found.append(Finding(level="error", what="the app is switched off", do="activate it in Saleor's dashboard"))
    if isinstance(app.get("permissions"), list) and "MANAGE_ORDERS" not in codes:
        found.append(Finding(level="error", what="the permission MANAGE_ORDERS is missing", do=GRANT))
    return found or [Finding(level="ok", what="the app may manage orders")]
