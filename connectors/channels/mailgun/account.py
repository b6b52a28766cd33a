"""Is the domain ready (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.mailgun.send import URL
from connectors.parts.sending.posted_to import judged_by, leads_to, missing
from connectors.parts.talk.asking import address, ask, form, good, said
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Answer, Asking, Conversation, Finding, HttpRequest

_NEEDED = ("delivered", "permanent_fail", "complained")
_PAGE = "Sending > Webhooks at Mailgun"
_AUTH = {"authorization": "Basic api:{api_key}"}


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the key good for the domain, the domain in use, are its DNS records there, does Mailgun know where to post?"""
    settings = asking.settings
    base, domain = settings.get("url") or URL, settings["domain"]
    do = f"set webhook_key to the HTTP webhook signing key, and enter {asking.intake} under {_PAGE}"
    signed = judged_by(settings, "webhook_key", do)
    answer = yield from ask(_get(base, "v4", "domains", domain))
    if answer.code in (401, 403):
        return (yield from _only_sends(base, domain)), signed
    if answer.code == 404:
        do = "add it under Sending > Domains; for a domain in the EU set url=https://api.eu.mailgun.net"
        return Finding(level="error", what=f"Mailgun does not know the domain {domain} here", do=do), signed
    told = table(said(good(answer)))
    hooks = yield from ask(_get(base, "v3", "domains", domain, "webhooks"))
    return *_domain(domain, told), _hooks(table(table(said(good(hooks))).get("webhooks")), asking.intake), signed


def _only_sends(base: str, domain: str) -> Conversation[Finding]:
    """A sending key may not read the domain, and neither may a wrong one. What has no recipient is refused by Mailgun
    only after the key was accepted. Raises Unanswered."""
    empty = HttpRequest(
        url=address(base, "v3", domain, "messages"), headers={"content-type": "application/x-www-form-urlencoded"},
        auth=_AUTH, body=form({"o:testmode": "yes"}),
    )  # fmt: skip
    answer: Answer = yield from ask(empty)
    if answer.code != 400:
        good(answer)
    return Finding(level="ok", what=f"the key may send for {domain}; being a sending key it shows nothing else")


def _domain(domain: str, told: Mapping[str, Any]) -> Iterator[Finding]:
    state = text(table(told.get("domain")).get("state")) or "unknown"
    if state == "active":
        yield Finding(level="ok", what=f"{domain} may send")
    else:
        do = "verify the domain under Sending > Domains at Mailgun"
        yield Finding(level="error", what=f"{domain} is {state}", do=do)
    for record in rows(told.get("sending_dns_records")):
        if record.get("valid") != "valid" and record.get("is_active") is not False:
            kind, name, value = (text(record.get(one)) or "" for one in ("record_type", "name", "value"))
            yield Finding(
                level="warning", what=f"DNS: the {kind} record {name} is missing", do=f"set it to: {value}",
                paste=tuple(one for one in (name, value) if one),
            )  # fmt: skip


def _hooks(hooks: Mapping[str, Any], intake: str) -> Finding:
    def here(kind: str) -> bool:
        urls = table(hooks.get(kind)).get("urls")
        return isinstance(urls, list) and any(leads_to(text(one), intake) for one in urls)

    if lacking := [kind for kind in _NEEDED if not here(kind)]:
        return missing(f"no webhook for {', '.join(lacking)} leads here", _PAGE, intake)
    return Finding(level="ok", what="webhooks tell of deliveries, failures and complaints")


def _get(base: str, *path: str) -> HttpRequest:
    return HttpRequest(url=address(base, *path), method="GET", auth=_AUTH)
