"""What is asked of Magento beside polling: the order that an event names, and whether the token is good."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from connectors.parts.talk.asking import ask, good, said
from connectors.parts.values.loose import table, text
from connectors.sources.adobe_commerce.asked import get, search_request
from connectors.sources.adobe_commerce.poll import KINDS, Cursor, poll, whole
from engine.contracts import Answer, Api, Asking, Conversation, Finding, Page


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """ "orders/<entity id>". Nothing is found of what is gone."""
    answer = yield from ask(get(asking, "orders", ref.removeprefix("orders/")))
    if answer.code != 404:
        orders = [table(said(good(answer)))]
        yield Page(found=(yield from whole(asking, "orders", orders, set(), Cursor())))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the token let us read orders, shipments and credit memos?"""
    findings = []
    for kind in KINDS:
        answer = yield from ask(search_request(asking, kind, [], page=0, size=1))
        told = text(table(_tried(answer)).get("message")) or ""
        if answer.code in (401, 403) and "resource" in told:
            do = "System, Integrations: give the integration the resource Sales, and activate it again"
            findings.append(Finding(level="error", what=f"the token may not read {kind}", do=do))
        elif answer.code in (401, 403):
            do = (
                "since 2.4.4 switch on Stores, Configuration, Services, OAuth, Consumer Settings, Allow OAuth Access "
                "Tokens to be used as standalone Bearer tokens; then set token=<access token>"
            )
            return (Finding(level="error", what="Magento refuses the token", do=do),)
        elif answer.code == 404:
            do = "set url to the address of the shop, without /rest"
            return (Finding(level="error", what="there is no REST API at this address", do=do),)
        else:
            said(good(answer))
            findings.append(Finding(level="ok", what=f"{kind} can be read"))
    return tuple(findings)


def _tried(answer: Answer) -> object:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


API = Api(poll=poll, fetch=fetch, check=check, needs=("url", "token"), settle=timedelta(seconds=10))
