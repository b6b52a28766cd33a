"""What is asked of Ongoing's REST API: orders whose status has changed, and the orders that webhooks name.
https://developer.ongoingwarehouse.com/REST/v1"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.parts.talk.asking import address, as_body, ask, ask_json, good, said, state
from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import number, rows, table
from connectors.parts.values.times import moment, zone_named
from connectors.sources.ongoing.words import ZONE, when
from engine.contracts import (
    Api,
    Asking,
    Conversation,
    Finding,
    Found,
    HttpRequest,
    Page,
    Unanswered,
)

# Times are asked for as the instance writes them, without an offset; should one mean UTC, nothing falls between.
OVERLAP = timedelta(hours=3)
PAGE = 100
MOST_PAGES = 200
_ROUTE = re.compile(r"route\.(\d{1,12})")


def poll(asking: Asking) -> Conversation[None]:
    """Goods owner by goods owner, its orders by their ids. The cursor is a JSON object: owner -> since when its
    orders are asked for, when this round began, and the id at which the next page begins."""
    cursor = remembered(asking, dict[str, dict[str, str]], dict)
    for owner in _owners(asking):
        place = cursor.get(owner, {})
        first_time = "since" not in place
        since = moment(place.get("since"))
        since = since - OVERLAP if since else asking.since
        begun, at = place.get("begun") or asking.now.isoformat(), place.get("from", "0")
        for _ in range(MOST_PAGES):
            orders = yield from _list(asking, owner, since, at)
            ids = [number_ for one in orders if (number_ := _id(one)) is not None]
            last = max(ids, default=-1)
            done = len(orders) < PAGE or last < int(at)  # a server that answers the same again has no more to tell
            at = str(last + 1)
            kept = {"since": place["since"]} if "since" in place else {}
            cursor[owner] = {"since": begun} if done else {**kept, "begun": begun, "from": at}
            found = tuple(_found(one, asking, history=first_time) for one in orders)
            yield Page(found=found, cursor=written(cursor))
            if done:
                break


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """ "orders/<id>", or all orders of "shipments/<goods owner>/<shipment>". Nothing is found of what is gone."""
    kind, *named = ref.split("/")
    if kind == "orders":
        answer = yield from ask(_get(asking, "orders", named[0]))
        orders = [] if answer.code == 404 else [table(said(good(answer)))]
    else:
        listed = yield from ask_json(_get(asking, "orders", goodsOwnerId=named[0], shipmentId=named[1]))
        orders = [table(one) for one in rows(listed)]
    if found := tuple(_found(one, asking, history=False) for one in orders if _id(one) is not None):
        yield Page(found=found)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Do user and password open the orders of every goods owner?"""
    owners = _owners(asking)
    if not owners:
        what = "no goods owner is named, so nothing is polled and a lost webhook stays lost"
        return (Finding(level="warning", what=what, do="set goods_owners=<id>,... or route.<id>=<merchant>"),)
    findings = []
    for owner in owners:
        answer = yield from ask(_get(asking, "orders", goodsOwnerId=owner, maxOrdersToGet=1))
        if answer.code == 401:
            do = "ask Ongoing or the warehouse for a user of the REST API, then set user=... password=..."
            return (Finding(level="error", what="user or password is refused", do=do),)
        if answer.code in (400, 403, 404):
            do = "check the id, and that the user may see this goods owner"
            findings.append(Finding(level="error", what=f"the orders of goods owner {owner} cannot be read", do=do))
        else:
            said(good(answer))
            findings.append(Finding(level="ok", what=f"the orders of goods owner {owner} can be read"))
    return tuple(findings)


def _owners(asking: Asking) -> list[str]:
    listed = re.findall(r"\d+", asking.settings.get("goods_owners", ""))
    routed = [found[1] for key in asking.settings if (found := _ROUTE.fullmatch(key))]
    return list(dict.fromkeys([*listed, *routed]))


def _list(asking: Asking, owner: str, since: datetime, at: str) -> Conversation[list[Mapping[str, Any]]]:
    local = since.astimezone(zone_named(asking.settings.get("timezone") or ZONE))
    answer = yield from ask_json(
        _get(
            asking,
            "orders",
            goodsOwnerId=owner,
            orderStatusChangedTimeFrom=local.strftime("%Y-%m-%dT%H:%M:%S"),
            orderIdFrom=at,
            maxOrdersToGet=PAGE,
        )
    )
    if not isinstance(answer, list):
        raise Unanswered("provider", "an answer that is no list of orders")
    return [one for one in rows(answer) if _id(one) is not None]


def _id(order: Mapping[str, Any]) -> int | None:
    found = number(table(order.get("orderInfo")).get("orderId"))
    return int(found) if found is not None else None


def _found(order: Mapping[str, Any], asking: Asking, *, history: bool) -> Found:
    """The order under a digest of what it says: it has no version. `history` asks for the latest time in it, since a
    first poll also finds what happened long before."""
    name = f"orders/{_id(order)}"
    body = as_body({"order": order, "asked_at": asking.now})
    return Found(
        topic="order",
        key=state(name, as_body(order)),
        body=body,
        changed_at=_latest(order, asking.settings.get("timezone") or ZONE) if history else None,
    )


def _latest(order: Mapping[str, Any], zone: str) -> datetime | None:
    info = table(order.get("orderInfo"))
    times = [when(info, name, zone) for name in ("createdDate", "shippedTime")]
    times += [when(one, "created", zone) for one in rows(order.get("tracking"))]
    return max(filter(None, times), default=None)


def _get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    base = asking.settings["url"].rstrip("/").removesuffix("/api/v1")
    url = address(base, "api", "v1", *path, **query)
    return HttpRequest(url=url, method="GET", auth={"authorization": "Basic {user}:{password}"})


API = Api(
    poll=poll,
    fetch=fetch,
    check=check,
    needs=("url", "user", "password"),
    every=timedelta(minutes=10),
    settle=timedelta(seconds=5),
)
