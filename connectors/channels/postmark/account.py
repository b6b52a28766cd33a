"""Is the account ready (https://postmarkapp.com/developer/api/server-api)?"""

from __future__ import annotations

from connectors.channels.postmark.send import URL
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the token good, and does Postmark know where to post?"""
    base = asking.settings.get("url") or URL
    server = table((yield from ask_json(_get(address(base, "server")))))
    found = [Finding(level="ok", what=f"Postmark knows the server {text(server.get('Name')) or 'without a name'}")]
    hooks = table((yield from ask_json(_get(address(base, "webhooks"))))).get("Webhooks")
    if isinstance(hooks, list) and hooks:
        found.append(Finding(level="ok", what=f"{len(hooks)} webhooks are registered"))
    else:
        do = "add a webhook with the connection's intake address under Message Stream > Webhooks at Postmark"
        found.append(Finding(level="error", what="no webhook is registered: nobody learns of bounces", do=do))
    return tuple(found)


def _get(url: str) -> HttpRequest:
    return HttpRequest(url=url, method="GET", auth={"x-postmark-server-token": "{server_token}"})
