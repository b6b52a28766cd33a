"""Searches of the REST API, and the order as we hand it on: with everything that belongs to it.
https://developer.adobe.com/commerce/webapi/rest"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.parts.talk.asking import address, as_body, ask_json, state
from connectors.parts.talk.walk import Record
from connectors.parts.values.loose import identity, rows, table
from connectors.sources.adobe_commerce.words import changed
from engine.contracts import Asking, Conversation, Found, HttpRequest

PAGE = 50
Filter = tuple[str, str, str]  # field, condition, value
Talk = Conversation[list[Record]]


def all_of(asking: Asking, kind: str, field: str, ids: Sequence[str]) -> Talk:
    """All records whose field is one of the ids, page after page; a page behind the last is the last again."""
    found: dict[str, Record] = {}
    for page in range(len(ids) + 1):
        records = yield from search(asking, kind, [(field, "in", ",".join(ids))], page=page, order="entity_id")
        new = {known: one for one in records if (known := identity(one.get("entity_id"))) and known not in found}
        found |= new
        if not new or len(records) < PAGE:
            break
    return list(found.values())


def search(asking: Asking, kind: str, filters: Sequence[Filter], *, page: int, order: str = "updated_at") -> Talk:
    """One page of a search; `page` is counted from 0."""
    answer = yield from ask_json(search_request(asking, kind, filters, page=page, size=PAGE, order=order))
    return [one for one in rows(table(answer).get("items")) if identity(one.get("entity_id"))]


def search_request(
    asking: Asking, kind: str, filters: Sequence[Filter], *, page: int, size: int, order: str = "updated_at"
) -> HttpRequest:
    """The question for one page."""
    query: dict[str, object] = {}
    for n, (field, condition, value) in enumerate(filters):
        where = f"searchCriteria[filter_groups][{n}][filters][0]"
        query |= {f"{where}[field]": field, f"{where}[condition_type]": condition, f"{where}[value]": value}
    query |= {"searchCriteria[sortOrders][0][field]": order, "searchCriteria[sortOrders][0][direction]": "ASC"}
    query |= {"searchCriteria[pageSize]": size, "searchCriteria[currentPage]": page + 1}
    return get(asking, kind, **query)


def get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    """A question to the REST API, whatever stands behind the address of the shop."""
    base = re.sub(r"/rest(/.*)?$", "", asking.settings["url"].rstrip("/"))
    url = address(base, "rest", "V1", *path, **query)
    headers = {"accept": "application/json"}
    return HttpRequest(url=url, method="GET", headers=headers, auth={"authorization": "Bearer {token}"})


def as_found(order: Record, shipments: list[Record], memos: list[Record]) -> Found:
    """The order with what belongs to it, under a digest of it all: adding a number changes no version."""
    body = as_body({"order": order, "shipments": shipments, "creditmemos": memos})
    tracks = [track for one in shipments for track in rows(one.get("tracks"))]
    times = [changed(one) for one in (order, *shipments, *memos, *tracks)]
    return Found(
        topic="order",
        key=state(f"orders/{identity(order.get('entity_id'))}", body),
        body=body,
        changed_at=max(filter(None, times), default=None),
    )
