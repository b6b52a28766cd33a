"""What is asked of Amazon: orders that have changed, the order that a notification names, whether we are let in.

https://developer-docs.amazon.com/sp-api/reference: searchOrders 0.0056 requests a second (20 at once), getOrder 0.5
(30 at once); v0: getOrders 0.0167 (20), getOrderItems 0.5 (30).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.parts.talk.asking import said
from connectors.parts.talk.cursor import window
from connectors.parts.values.loose import first, rows, table, text
from connectors.parts.values.times import iso
from connectors.sources.amazon.asked import MOST_PAGES, PARTS, as_found, granted, is_old, marketplaces, put_to
from connectors.sources.amazon.orders import moved
from connectors.sources.amazon.words import Record, lowered, order_id
from engine.contracts import Api, Asking, Conversation, Finding, Page, Unanswered


def poll(asking: Asking) -> Conversation[None]:
    """Orders that have changed since the last walk, page by page."""
    at = window(asking)
    token = at.after
    for _ in range(MOST_PAGES):
        told = yield from _search(asking, at.since, token)
        orders = rows(told.get("orders"))
        found = []
        for one in orders:
            found.append((yield from as_found(asking, one)))
        token = text(table(told.get("pagination")).get("nexttoken")) or text(told.get("nexttoken"))
        at = at.reached(token, *(moved(lowered(one)) for one in orders))
        over = token is None or not orders
        yield Page(found=tuple(found), cursor=(at.done() if over else at).text)
        if over:
            return


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """ "orders/<order id>". Nothing is found of what is gone, or older than Amazon shows."""
    named = ref.removeprefix("orders/")
    old = is_old(asking)
    path = ("orders", "v0", "orders", named) if old else ("orders", "2026-01-01", "orders", named)
    answer = yield from put_to(asking, *path, **({} if old else {"includedData": PARTS}))
    if answer.code == 404:
        return
    told = table(lowered(said(granted(answer))))
    source = table(told.get("order")) or table(told.get("payload"))
    if order_id(source) is None:
        raise Unanswered("provider", "an answer without an order")
    yield Page(found=((yield from as_found(asking, source)),))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the seller's token work, and for the marketplaces that are searched?"""
    answer = yield from put_to(asking, "sellers", "v1", "marketplaceParticipations")
    if answer.code in (401, 403):
        do = "authorise the application in Seller Central again, with the role Inventory and Order Tracking"
        return (Finding(level="error", what="Amazon does not let this application in", do=do),)
    told = table(lowered(said(granted(answer))))
    open_ = {first(table(one.get("marketplace")).get("id")) for one in rows(told.get("payload"))}
    missing = [one for one in marketplaces(asking) if one not in open_]
    if missing:
        do = "todoke connections set CONNECTION marketplaces=<ids of those that you sell in>"
        return (Finding(level="error", what=f"the seller does not sell in {', '.join(missing)}", do=do),)
    return (Finding(level="ok", what="Amazon lets this application in"),)


def _search(asking: Asking, since: datetime, token: str | None) -> Conversation[Record]:
    """One page. A token goes with the same question."""
    stamp = iso(since)
    places = ",".join(marketplaces(asking))
    if is_old(asking):
        answer = yield from put_to(
            asking, "orders", "v0", "orders", LastUpdatedAfter=stamp, MarketplaceIds=places, NextToken=token
        )
    else:
        answer = yield from put_to(
            asking, "orders", "2026-01-01", "orders", lastUpdatedAfter=stamp, marketplaceIds=places,
            includedData=PARTS, maxResultsPerPage=100, paginationToken=token,
        )  # fmt: skip
    told = table(lowered(said(granted(answer))))
    return table(told.get("payload")) or told


API = Api(
    poll=poll,
    fetch=fetch,
    check=check,
    needs=("client_id", "client_secret", "refresh_token"),
    every=timedelta(minutes=15),
    pace=timedelta(seconds=2),
    settle=timedelta(seconds=20),
)
