"""Does the connection work? Looks and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from connectors.parts.values.loose import first, rows, table, text
from connectors.sources.shopify.asks import heard, may_ask, whole
from connectors.sources.shopify.queries import ACCESS, CAN_READ
from engine.contracts import Asking, Conversation, Finding

GRANT = "Dev Dashboard > your app > Versions: add the scope, release, and install the app again"

# scope -> how bad it is to be without it, and what is missing then
SCOPES: Mapping[str, tuple[Literal["error", "warning"], str]] = {
    "read_orders": ("error", "orders cannot be read"),
    "read_fulfillments": ("warning", "no webhook tells of delivery attempts and deliveries"),
    "read_customers": ("warning", "names and addresses of customers may be missing"),
    "read_returns": ("warning", "returns are heard of only when they are refunded"),
}
PROTECTED = "Partner or Dev Dashboard > your app > API access: request access to protected customer data"


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """The shop, the app's scopes, protected customer data, and how far back orders can be read."""
    if not may_ask(asking):
        do = "set client_id and client_secret of an app (or token): lost webhooks are then found by polling"
        return (Finding(level="warning", what="no app: the connection lives on its webhooks alone", do=do),)
    answer = yield from heard(asking, ACCESS)
    shop = whole(answer, "shop")
    scopes = {
        text(row.get("handle")) for row in rows(table(answer.data.get("currentAppInstallation")).get("accessScopes"))
    }
    findings = [_shop(asking, text(shop.get("myshopifyDomain")), first(shop.get("name")) or "")]
    for scope, (level, loss) in SCOPES.items():
        if scope not in scopes and scope.replace("read_", "write_") not in scopes:
            what = f"the scope {scope} is missing: {loss}"
            findings.append(Finding(level=level, what=what, do=GRANT))
    if "read_all_orders" in scopes:
        findings.append(Finding(level="ok", what="orders of all times can be read"))
    else:
        findings.append(Finding(level="ok", what="orders of the last 60 days can be read (not read_all_orders)"))
    findings.append((yield from _customers(asking)))
    return tuple(findings)


def _shop(asking: Asking, domain: str | None, name: str) -> Finding:
    wanted = asking.settings.get("shop")
    if wanted and domain and domain.lower() != wanted.lower():
        do = "set shop to the domain of the shop that the app is installed in"
        return Finding(level="error", what=f"the app answers for {domain}, not for {wanted}", do=do)
    return Finding(level="ok", what=f"connected to {name or domain}")


def _customers(asking: Asking) -> Conversation[Finding]:
    answer = yield from heard(asking, CAN_READ)
    if not isinstance(answer.data.get("orders"), dict):
        return Finding(level="error", what=f"orders cannot be read: {answer.refusals}", do=PROTECTED)
    if answer.errors:
        what = f"Shopify keeps names and addresses back: {answer.refusals}"
        return Finding(level="warning", what=what, do=PROTECTED)
    return Finding(level="ok", what="orders can be read with their customers")
