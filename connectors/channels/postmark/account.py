"""Is the account ready (https://postmarkapp.com/developer/api/server-api)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.postmark.send import URL
from connectors.parts.sending.posted_to import judged_by, leads_to, missing
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest

STREAM = "outbound"  # by which Postmark sends when no stream is named
_NEEDED = ("Delivery", "Bounce", "SpamComplaint")


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the token good, does Postmark know where to post what, of every stream that we send by?"""
    base = asking.settings.get("url") or URL
    server = table((yield from ask_json(_get(address(base, "server")))))
    found = [Finding(level="ok", what=f"Postmark knows the server {text(server.get('Name')) or 'without a name'}")]
    hooks = rows(table((yield from ask_json(_get(address(base, "webhooks"))))).get("Webhooks"))
    mine = [one for one in hooks if leads_to(text(one.get("Url")), asking.intake)]
    settings = asking.settings
    for stream in dict.fromkeys((settings.get("message_stream") or STREAM, settings.get("broadcast_stream") or "")):
        if stream:
            found += _stream(
                stream, [one for one in mine if (text(one.get("MessageStream")) or STREAM) == stream], asking
            )
    do = "give the connection webhook_secret=USER:PASSWORD, and Postmark the same two in the address of its webhook"
    return *found, judged_by(settings, "webhook_secret", do)


def _stream(stream: str, hooks: list[Mapping[str, Any]], asking: Asking) -> Iterator[Finding]:
    where = f"Message Streams > {stream} > Webhooks at Postmark, with USER:PASSWORD@ of webhook_secret before the host"
    if not hooks:
        yield missing(f"no webhook of the stream {stream} leads here: nobody learns of bounces", where, asking.intake)
        return
    on = {
        name for one in hooks for name, how in table(one.get("Triggers")).items() if table(how).get("Enabled") is True
    }
    if lacking := [name for name in _NEEDED if name not in on]:
        do = f"switch {', '.join(lacking)} on under Message Streams > {stream} > Webhooks at Postmark"
        yield Finding(level="error", what=f"the webhook of {stream} does not tell of {', '.join(lacking)}", do=do)
    else:
        yield Finding(level="ok", what=f"the webhook of {stream} tells of deliveries, bounces and complaints")


def _get(url: str) -> HttpRequest:
    return HttpRequest(url=url, method="GET", auth={"x-postmark-server-token": "{server_token}"})
