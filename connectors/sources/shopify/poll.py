"""Polling: orders updated since the last one, with all that hangs on them.

https://shopify.dev/docs/api/admin-graphql/latest/queries/orders
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.parts.talk.asking import as_body
from connectors.parts.talk.cursor import Window, window
from connectors.parts.talk.graphql import following
from connectors.parts.values.loose import identity, rows, table, text
from connectors.parts.values.times import iso, moment
from connectors.sources.shopify.asks import heard, may_ask, pause, whole
from connectors.sources.shopify.graph import numeric
from connectors.sources.shopify.queries import CHANGED, REST, RETURNS
from engine.contracts import Asking, Conversation, Found, Page, Unanswered

MANY = 10  # orders a page, each with its lines, parcels and refunds
MOST_PAGES_OF_A_LIST = 50
AGAIN = timedelta(days=1)  # until an app that may not read returns tries once more
TOO_DEAR = "max_cost_exceeded"


def poll(asking: Asking) -> Conversation[None]:
    """Every order that was updated, the oldest update first. Ends when a page brings nothing new, whatever it promises;
    pauses when the points that are left do not pay for another page."""
    if not may_ask(asking):
        return
    place, known, many = window(asking), set[str](), MANY
    query = f"updated_at:>='{iso(place.since)}'"
    while True:
        answer = yield from heard(asking, CHANGED, {"query": query, "first": many, "after": place.after})
        if TOO_DEAR in answer.codes and many > 1:
            many = max(1, many // 2)
            continue
        listed = whole(answer, "orders")
        found = []
        for node in _nodes(listed):
            full, place = yield from _complete(asking, node, place)
            if (one := _found(full)) and one.key not in known:
                known.add(one.key)
                found.append(one)
        after = following(listed)
        last = not found or after is None or after == place.after
        place = place.reached(after, *(one.changed_at for one in found))
        yield Page(found=tuple(found), cursor=(place.done() if last else place).text)
        if last:
            return
        if wait := pause(answer):
            raise Unanswered("rate", "the points of this app are used up", wait)


def _found(node: Mapping[str, Any]) -> Found | None:
    """One record per order. Shopify counts whole seconds and not every change of a parcel moves the order's date, so
    what it says is part of its name."""
    order_id = identity(numeric(node.get("id")))
    if order_id is None:
        return None
    at = moment(node.get("updatedAt"))
    digest = blake2b(msgspec.json.encode(node, order="sorted"), digest_size=6).hexdigest()
    key = f"orders/{order_id}@{text(node.get('updatedAt'))}#{digest}"
    return Found(topic="orders/updated", key=key, body=as_body({"order": node}), changed_at=at)


def _complete(asking: Asking, node: Mapping[str, Any], place: Window) -> Conversation[tuple[Mapping[str, Any], Window]]:
    """The order with the rest of its longer lists, and its returns where there are any."""
    full: dict[str, Any] = deepcopy(dict(node))
    for (where, name), query in REST.items():
        for holder in [full] if where == "order" else rows(full.get(where)):
            yield from _rest(asking, query, holder, name)
    if text(full.get("returnStatus")) in (None, "NO_RETURN") or "returns" in full:
        return full, place
    denied = moment(place.noted.get("no_returns"))
    if denied and asking.now - denied < AGAIN:
        return full, place
    answer = yield from heard(asking, RETURNS, {"id": full.get("id")})
    told = table(answer.data.get("order")).get("returns")
    if told is None:  # the scope read_returns is missing: refunds tell the rest
        return full, replace(place, noted={**place.noted, "no_returns": asking.now.isoformat()})
    full["returns"] = told
    return full, place


def _rest(asking: Asking, query: str, holder: Mapping[str, Any], name: str) -> Conversation[None]:
    """What follows in a list that is longer than the page of its order showed; added to it in its place."""
    listed = table(holder.get(name))
    nodes, after = listed.get("nodes"), following(listed)
    for _ in range(MOST_PAGES_OF_A_LIST):
        if not isinstance(nodes, list) or after is None:
            return
        answer = yield from heard(asking, query, {"id": holder.get("id"), "after": after})
        more = table(table(answer.data.get("node")).get(name))
        added = [one for one in rows(more.get("nodes")) if one not in nodes]
        nodes += added
        after = following(more) if added else None


def _nodes(listed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return rows(listed.get("nodes")) or [table(edge.get("node")) for edge in rows(listed.get("edges"))]
