"""Questions to the Selling Partner API, and the order as we hand it on.

Login with Amazon gives access tokens for an hour. https://developer-docs.amazon.com/sp-api/docs/connect-to-the-sp-api
"""

from __future__ import annotations

from datetime import timedelta

from connectors.parts.talk.asking import address, as_body, good, said
from connectors.parts.talk.oauth import Renewal, put
from connectors.parts.values.loose import number, rows, table, text
from connectors.sources.amazon.orders import moved
from connectors.sources.amazon.words import Record, lowered, order_id
from engine.contracts import Answer, Asking, Conversation, Found, HttpRequest, Unanswered

URL = "https://sellingpartnerapi-fe.amazon.com"
LOGIN = "https://api.amazon.com/auth/o2/token"
JAPAN = "A1VC38T7YXB528"
PARTS = "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"
MOST_PAGES = 100
LONGEST_PAUSE = timedelta(minutes=15)


def put_to(asking: Asking, *path: str, **query: object) -> Conversation[Answer]:
    """The answer of any status, with an access token that was renewed when it had run out."""
    base = asking.settings.get("url") or URL
    request = HttpRequest(
        url=address(base, *path, **query),
        method="GET",
        headers={"accept": "application/json"},
        auth={"x-amz-access-token": "{access_token}"},
    )
    return (yield from put(asking, Renewal(url=asking.settings.get("login") or LOGIN), request, _is_spent))


def _is_spent(answer: Answer) -> bool:
    """A token that has run out is a 403 like a role that is missing; only the words tell them apart."""
    return answer.code == 401 or (answer.code == 403 and b"token" in answer.body.lower())


def granted(answer: Answer) -> Answer:
    """The answer when it is one. Amazon tells no pause with 429, but how many requests a second it grants."""
    if answer.code == 429:
        rate = number(answer.headers.get("x-amzn-ratelimit-limit"))
        after = timedelta(seconds=float(1 / rate)) if rate and rate > 0 else None
        raise Unanswered("rate", "status 429", min(after, LONGEST_PAUSE) if after else None)
    return good(answer)


def as_found(asking: Asking, order: Record) -> Conversation[Found]:
    """The order as a delivery; of the older API its items are asked for too."""
    body: dict[str, object] = {"order": order}
    if is_old(asking):
        items: list[Record] = []
        token: str | None = None
        for _ in range(MOST_PAGES):
            path = ("orders", "v0", "orders", order_id(order) or "", "orderItems")
            answer = yield from put_to(asking, *path, NextToken=token)
            told = table(table(lowered(said(granted(answer)))).get("payload"))
            items += rows(told.get("orderitems"))
            token = text(told.get("nexttoken"))
            if token is None:
                break
        body["orderitems"] = items
    changed = moved(order)
    version = changed.isoformat() if changed else "unknown"
    return Found(topic="order", key=f"orders/{order_id(order)}@{version}", body=as_body(body), changed_at=changed)


def marketplaces(asking: Asking) -> list[str]:
    """The marketplaces whose orders are searched."""
    listed = (asking.settings.get("marketplaces") or JAPAN).split(",")
    return [found for one in listed if (found := one.strip())]


def is_old(asking: Asking) -> bool:
    """Is the older Orders API to be used?"""
    return asking.settings.get("orders_api") == "v0"
