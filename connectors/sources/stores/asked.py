"""Requests to STORES' API. https://heyinc.github.io/retail-api-docs/202211.html"""

from __future__ import annotations

from typing import Any

from connectors.parts.talk.asking import address, ask_json
from connectors.parts.values.loose import table, text
from engine.contracts import Asking, Conversation, Finding, HttpRequest, Unanswered

URL = "https://api.stores.dev"
VERSION = ("retail", "202211")


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Whose shop is it, and can orders be read?"""
    try:
        shop = yield from get(asking, "store")
        orders = yield from get(asking, "orders", limit=1)
    except Unanswered as unanswered:
        return (Finding(level="error", what=f"STORES' API: {unanswered}", do=_DO[unanswered.why]),)
    if not isinstance(table(orders).get("orders"), list):
        return (Finding(level="error", what="STORES' API answers without orders", do="see whether url is right"),)
    name = text(table(shop).get("name")) or "a shop without a name"
    return (Finding(level="ok", what=f"STORES' API answers for {name}, and orders can be read"),)


_DO = {
    "login": "set token to a credential of the shop that may read orders, as the README says",
    "rate": "nothing: it is asked again later",
    "quota": "nothing: it is asked again later",
    "provider": "nothing: it is asked again later",
    "request": "see whether url is right",
}


def get(asking: Asking, *path: str, **query: object) -> Conversation[Any]:
    """What stands at the path. Raises Unanswered."""
    base = (asking.settings.get("url") or URL).rstrip("/").removesuffix("/" + "/".join(VERSION))
    return (
        yield from ask_json(
            HttpRequest(
                url=address(base, *VERSION, *path, **query),
                method="GET",
                headers={"accept": "application/json"},
                auth={"authorization": "Bearer {token}"},
            )
        )
    )
