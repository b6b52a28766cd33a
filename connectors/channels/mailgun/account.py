"""Is the domain ready (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains)?"""

from __future__ import annotations

from connectors.channels.mailgun.send import URL
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the key good for the domain, the domain in use, and are its DNS records there?"""
    settings = asking.settings
    request = HttpRequest(
        url=address(settings.get("url") or URL, "v4", "domains", settings["domain"]), method="GET",
        auth={"authorization": "Basic api:{api_key}"},
    )  # fmt: skip
    told = table((yield from ask_json(request)))
    state = text(table(told.get("domain")).get("state")) or "unknown"
    found = [_state(settings["domain"], state)]
    for record in rows(told.get("sending_dns_records")):
        if record.get("valid") != "valid" and record.get("is_active") is not False:
            what = (
                f"DNS: the {text(record.get('record_type')) or ''} record {text(record.get('name')) or ''} is missing"
            )
            found.append(Finding(level="warning", what=what, do=f"set it to: {text(record.get('value')) or ''}"))
    return tuple(found)


def _state(domain: str, state: str) -> Finding:
    if state == "active":
        return Finding(level="ok", what=f"{domain} may send")
    do = "verify the domain under Send > Sending > Domains at Mailgun"
    return Finding(level="error", what=f"{domain} is {state}", do=do)
