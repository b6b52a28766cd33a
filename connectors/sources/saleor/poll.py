"""Polling: orders changed since the last one, by GraphQL. https://docs.saleor.io/api-reference/orders/queries/orders"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.parts.talk.asking import as_body
from connectors.parts.talk.cursor import window
from connectors.parts.talk.graphql import following, snake
from connectors.parts.values.loose import identity, rows, table
from connectors.parts.values.times import moment
from connectors.sources.saleor.asks import heard, whole
from connectors.sources.saleor.queries import CHANGED, RENUMBERED
from connectors.sources.saleor.telling import Telling
from engine.contracts import Asking, Conversation, Found, Page

MANY = 50  # orders a page; Saleor allows 100


def poll(asking: Asking) -> Conversation[None]:
    """Every order that has changed, oldest change first, then those whose tracking numbers have. A connection without
    a token lives on its webhooks. Ends when a page brings nothing new, whatever it promises."""
    if not asking.settings.get("token"):
        return
    place, known = window(asking), set[str]()
    since = place.since.isoformat()
    while True:
        asked = {"since": since, "first": MANY, "after": place.after}
        listed = table(whole((yield from heard(asking, CHANGED, asked)), "orders")["orders"])
        nodes, after = _nodes(listed), following(listed)
        found = [one for one in _found(nodes, asking) if one.key not in known]
        changes = [moment(node.get("updatedAt")) for node in nodes]
        if not (found and after and after != place.after):
            break
        known |= {one.key for one in found}
        place = place.reached(after, *changes)
        yield Page(found=tuple(found), cursor=place.text)
    yield Page(found=tuple(found), cursor=place.reached(None, *changes).done().text)
    yield from _renumbered(asking, since, known)


def _renumbered(asking: Asking, since: str, known: set[str]) -> Conversation[None]:
    after: str | None = None
    while True:
        answer = yield from heard(asking, RENUMBERED, {"since": since, "first": MANY, "after": after})
        listed = table(answer.data.get("orders"))  # an older Saleor does not know the question: its webhooks tell
        found = [one for one in _found(_nodes(listed), asking) if one.key not in known]
        if found:
            known |= {one.key for one in found}
            yield Page(found=tuple(found))
        last, after = after, following(listed)
        if not found or after is None or after == last:
            return


def _found(nodes: list[Mapping[str, Any]], asking: Asking) -> Iterator[Found]:
    """One record per order. Its version is the last change that shows in it, new tracking numbers included."""
    for node in nodes:
        order_id = identity(node.get("id"))
        if order_id:
            at = Telling(topic="order", order=snake(node), received_at=asking.now).as_of
            yield Found(
                topic="order",
                key=f"orders/{order_id}@{at.isoformat()}",
                body=as_body({"order": node}),
                changed_at=at,
            )


def _nodes(listed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [table(edge.get("node")) for edge in rows(listed.get("edges"))]
