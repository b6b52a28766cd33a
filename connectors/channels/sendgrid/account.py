"""Is the account ready (https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions)?"""

from __future__ import annotations

from connectors.channels.sendgrid.send import URL
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import table
from engine.contracts import Asking, Conversation, Finding, HttpRequest


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """May the key send, and is there a key to check events by?"""
    base = asking.settings.get("url") or URL
    request = HttpRequest(
        url=address(base, "v3", "scopes"), method="GET", auth={"authorization": "Bearer {api_key}"}
    )  # fmt: skip
    scopes = table((yield from ask_json(request))).get("scopes")
    if isinstance(scopes, list) and "mail.send" in scopes:
        sends = Finding(level="ok", what="the API key may send mail")
    else:
        do = "give it Mail Send under Settings > API Keys at SendGrid"
        sends = Finding(level="error", what="the API key may not send mail", do=do)
    if asking.settings.get("webhook_key"):
        return sends, Finding(level="ok", what="events can be checked")
    do = "switch Signed Event Webhook on under Settings > Mail Settings > Event Webhooks, and set webhook_key"
    return sends, Finding(level="error", what="no webhook_key: every event is refused", do=do)
