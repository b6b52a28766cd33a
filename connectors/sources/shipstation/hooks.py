"""Webhooks of V1 and the keys of V2: see to it that they are there, and say what is missing.

https://docs.shipstation.com/apis/shipstation-v1/docs/webhooks/list. V1 can make and delete webhooks, not change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from connectors.parts.senders.jwks import is_key_set, key_set
from connectors.parts.talk.asking import address, as_body, ask, good, said
from connectors.parts.values.loose import identity, raw_status, rows, table, text
from connectors.sources.shipstation.asked import AUTH, base, paused
from connectors.sources.shipstation.resources import URL
from engine.contracts import Asking, Conversation, Finding, HttpRequest, Renewed, Unanswered

EVENTS = ("ORDER_NOTIFY", "SHIP_NOTIFY", "FULFILLMENT_SHIPPED")
KEY_SET = "https://api.shipengine.com/jwks"
MOST_KEYS_TEXT = 64 * 1024
KEYS = "Settings > Account > API Settings in ShipStation"


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Do key and secret work, and are webhooks switched off?"""
    try:
        hooks = yield from _hooks(asking)
    except Unanswered as refused:
        if refused.why != "login":
            raise
        do = f"look up key and secret under {KEYS} and set them with --set key=... --set api_secret=..."
        return (Finding(level="error", what="ShipStation refuses the API key", do=do),)
    found = [Finding(level="ok", what="ShipStation takes the API key")]
    if off := [hook for hook in hooks if hook.get("Active") is False]:
        do = "switch them on under Settings > Integrations > Webhooks in ShipStation, or delete them there"
        what = f"webhooks that are switched off: {len(off)} of {len(hooks)}"
        found.append(Finding(level="warning", what=what, do=do))
    return tuple(found)


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """One webhook for each event, with the connection's secret in its address; one that is off is made anew. Then the
    keys that V2 signs with."""
    secret = asking.settings.get("secret")
    if not secret:
        do = "give the connection one with --set secret=<a long random text>"
        return (Finding(level="error", what="webhooks of ShipStation need a secret in their address", do=do),)
    if "token=" not in target:
        target = f"{target}{'&' if '?' in target else '?'}token={quote(secret, safe='')}"
    hooks = yield from _hooks(asking)
    made = []
    for event in EVENTS:
        ours = [hook for hook in hooks if text(hook.get("Url")) == target and _is(hook, event)]
        if any(hook.get("Active") is not False for hook in ours):
            continue
        for hook in ours:
            yield from ask(_request(asking, "DELETE", "webhooks", identity(hook.get("WebHookID")) or "0"))
        told = {"target_url": target, "event": event, "friendly_name": f"Todoke {event}"}
        store = asking.settings.get("store")
        body = as_body({**told, "store_id": int(store)} if store and store.isdigit() else told)
        request = _request(asking, "POST", "webhooks", "subscribe")
        request = replace(request, body=body, headers={"content-type": "application/json"})
        good(paused((yield from ask(request))))
        made.append(event)
    what = f"ShipStation's webhooks are registered{' anew: ' + ', '.join(made) if made else ''}"
    # The last of all: V1, which most shops have alone, works without these keys.
    keys = yield from renew_keys(asking)
    return (Finding(level="ok", what=what), keys)


def renew_keys(asking: Asking) -> Conversation[Finding]:
    """Fetch the keys that V2 signs with; saved when they are others. A stand-in at `url` has them at /jwks."""
    url = KEY_SET if base(asking) == URL else address(base(asking), "jwks")
    answer = yield from ask(HttpRequest(url=url, method="GET", headers={"accept": "application/json"}))
    told = answer.body.decode("utf-8", "replace").strip()
    if answer.code != HTTPStatus.OK or len(told) > MOST_KEYS_TEXT or not is_key_set(told) or not key_set(told):
        what = "the keys that V2 signs with could not be fetched; by the token alone its webhooks are taken as well"
        return Finding(level="warning", what=what, do=f"look whether {url} can be reached, then check again")
    if told != asking.settings.get("jwks"):
        yield Renewed(secrets={"jwks": told})
    return Finding(level="ok", what="the keys that V2 signs with are known")


def _is(hook: Mapping[str, Any], event: str) -> bool:
    return raw_status(hook.get("HookType")) == event.lower()


def _hooks(asking: Asking) -> Conversation[list[Mapping[str, Any]]]:
    body = said(good(paused((yield from ask(_request(asking, "GET", "webhooks"))))))
    return rows(body if isinstance(body, list) else table(body).get("webhooks"))


def _request(asking: Asking, method: str, *path: str) -> HttpRequest:
    return HttpRequest(url=address(base(asking), *path), method=method, auth=AUTH)
