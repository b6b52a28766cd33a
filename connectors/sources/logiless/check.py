"""Are the tokens good, is the merchant's id right, and may the app see orders and deliveries?"""

from __future__ import annotations

from connectors.sources.logiless.asked import get
from connectors.sources.logiless.poll import LISTS
from engine.contracts import Asking, Conversation, Finding, Unanswered


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """One record of each list is asked for. Raises Unanswered for what is no fault of the connection."""
    findings = []
    for listed in LISTS:
        try:
            yield from get(asking, listed, limit=1, page=1)
        except Unanswered as refused:
            if refused.why not in {"login", "request"}:
                raise
            do = {
                "login": "authorise the app again and set access_token and refresh_token anew (see README)",
                "request": "compare merchant_id with the number in the address of the management screen",
            }
            findings.append(Finding(level="error", what=f"LOGILESS, {listed}: {refused}", do=do[refused.why]))
    if findings:
        return tuple(findings)
    if not asking.settings.get("refresh_token") or not asking.settings.get("client_secret"):
        return (
            Finding(
                level="warning",
                what="LOGILESS accepts the access token, which cannot be renewed",
                do="set refresh_token, client_id and client_secret too, or set a new access token every thirty days",
            ),
        )
    return (Finding(level="ok", what="LOGILESS accepts the tokens and shows orders and deliveries"),)
