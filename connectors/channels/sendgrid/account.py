"""Is the account ready (https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions)?

A key that may only send shows neither senders nor webhooks; what it may not read is not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.channels.sendgrid.send import URL
from connectors.parts.sending.posted_to import judged_by, leads_to, missing
from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest

SENDERS, HOOKS = "whitelabel.read", "user.webhooks.event.settings.read"
_PAGE = "Settings > Mail Settings > Event Webhooks at SendGrid"
_NEEDED = ("delivered", "bounce", "dropped", "spam_report")


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """May the key send, is a sender's domain authenticated, does SendGrid know where to post, is there a key to check
    that by?"""
    base = asking.settings.get("url") or URL
    told = table((yield from ask_json(_get(base, "v3", "scopes")))).get("scopes")
    scopes = set(told) if isinstance(told, list) else set()
    found = [_may_send(scopes)]
    if SENDERS in scopes:
        found += _senders(rows((yield from ask_json(_get(base, "v3", "whitelabel", "domains")))), asking.settings)
    if HOOKS in scopes:
        hooks = yield from ask_json(_get(base, "v3", "user", "webhooks", "event", "settings", "all"))
        found.append(_hook(rows(table(hooks).get("webhooks")), asking.intake))
    do = f"enter {asking.intake} under {_PAGE}, switch Signed Event Webhook on, and set webhook_key to the key shown"
    return *found, judged_by(asking.settings, "webhook_key", do)


def _may_send(scopes: set[Any]) -> Finding:
    if "mail.send" in scopes:
        return Finding(level="ok", what="the API key may send mail")
    do = "give it Mail Send under Settings > API Keys at SendGrid"
    return Finding(level="error", what="the API key may not send mail", do=do)


def _senders(domains: list[Mapping[str, Any]], settings: Mapping[str, str]) -> Iterator[Finding]:
    """Of the domain that the connection sends from, where it names one; else of any."""
    sender = settings.get("from", "").rpartition("@")[2].lower()
    mine = [one for one in domains if not sender or f".{sender}".endswith(f".{_name(one)}")]
    if good := next((one for one in mine if one.get("valid") is True), None):
        yield Finding(level="ok", what=f"{_name(good)} is authenticated at SendGrid")
        return
    what = f"{sender or 'no sender domain'} is {'not ' if sender else ''}authenticated at SendGrid"
    records = [table(one) for domain in mine for one in table(domain.get("dns")).values()]
    lacking = [one for one in records if one.get("valid") is not True]
    for record in lacking:
        kind, host, data = (text(record.get(name)) or "" for name in ("type", "host", "data"))
        do = f"publish {kind.upper()} {host} {data}"
        yield Finding(level="error", what=f"{what}: DNS lacks {host}", do=do, paste=(host, data))
    if not lacking:
        do = "authenticate it under Settings > Sender Authentication at SendGrid"
        yield Finding(level="error", what=what, do=do)


def _name(domain: Mapping[str, Any]) -> str:
    return (text(domain.get("domain")) or "").lower()


def _hook(hooks: list[Mapping[str, Any]], intake: str) -> Finding:
    mine = [one for one in hooks if leads_to(text(one.get("url")), intake) and one.get("enabled") is True]
    if not mine:
        return missing("no event webhook that is on leads here: nobody learns of bounces", _PAGE, intake)
    lacking = [name for name in _NEEDED if not any(one.get(name) is True for one in mine)]
    if lacking:
        do = f"tick {', '.join(lacking)} under {_PAGE}"
        return Finding(level="error", what=f"the event webhook does not tell of {', '.join(lacking)}", do=do)
    return Finding(level="ok", what="the event webhook tells of deliveries, bounces and complaints")


def _get(base: str, *path: str) -> HttpRequest:
    return HttpRequest(url=address(base, *path), method="GET", auth={"authorization": "Bearer {api_key}"})
