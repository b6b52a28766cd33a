"""Polling: orders that changed or whose tracking changed, and returns, list by list and page by page.

The lists have no end date, so they only grow while they are read, and with the oldest first nothing slips from a page
that is still to come to one that was read. https://developer.shipbob.com/api (GET /order, GET /return)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from connectors.parts.talk.asking import as_body, ask, good, said, state
from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import identity, rows, table, text
from connectors.parts.values.times import iso, moment
from connectors.sources.shipbob.asked import get, paused
from connectors.sources.shipbob.returns import TIMES
from connectors.sources.shipbob.words import latest
from engine.contracts import Answer, Asking, Conversation, Found, Page, Unanswered

OVERLAP = timedelta(minutes=30)  # carriers' words reach ShipBob's lists late
MOST_PAGES = 4000
OF_ORDER = ("created_date", "last_update_at", "last_tracking_update_at")


class List(NamedTuple):
    """One list that is read: the resource, its filters ({since} is a time), the parameter of the page and how many
    records are on one. `spare`: the connection does without when its token or version does not reach it."""

    resource: str
    filters: Mapping[str, str]
    page: str
    limit: int
    spare: bool = False


LISTS = (
    List("order", {"LastUpdateStartDate": "{since}", "SortOrder": "Oldest"}, "Page", 250),
    List("order", {"LastTrackingUpdateStartDate": "{since}", "SortOrder": "Oldest"}, "Page", 250, spare=True),
    List("return", {"StartDate": "{since}", "SortOrder": "Asc"}, "Cursor", 100, spare=True),
    List("return", {"Status": "Arrived,Processing", "SortOrder": "Asc"}, "Cursor", 100, spare=True),
    List("return", {"CompletedStartDate": "{since}", "SortOrder": "Asc"}, "Cursor", 100, spare=True),
)


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a poll stands: it asks for what changed after `since`, list by list; the next one asks from `began`."""

    since: datetime
    began: datetime
    list: int = 0
    page: str = "1"


def poll(asking: Asking) -> Conversation[None]:
    """A Found for every order and every return. Raises Unanswered, also for a list that does not end."""
    place = _start(asking)
    before = b""
    for _ in range(MOST_PAGES):
        listed = LISTS[place.list]
        answer, records = yield from _page(asking, listed, place)
        if answer.body == before and records:
            raise Unanswered("provider", f"the list of {listed.resource}s does not end: one page came twice")
        following = _more(answer, records, listed, place)
        before = answer.body if following else b""
        place = _after(place, following)
        found = tuple(_found(listed.resource, record) for record in records)
        if place.list == len(LISTS):
            yield Page(found=found, cursor=written(Place(place.began, place.began, -1)))
            return
        yield Page(found=found, cursor=written(place))
    raise Unanswered("provider", f"a list has more than {MOST_PAGES} pages")


def _start(asking: Asking) -> Place:
    """Go on in the middle of a poll that was broken off, or begin one."""
    place = remembered(asking, Place, lambda: Place(asking.since, asking.now))
    return place if 0 <= place.list < len(LISTS) else Place(place.since - OVERLAP, asking.now)


def _page(asking: Asking, listed: List, place: Place) -> Conversation[tuple[Answer, list[Mapping[str, Any]]]]:
    since = iso(place.since)
    filters = {name: value.format(since=since) for name, value in listed.filters.items()}
    query = {**filters, "Limit": listed.limit, listed.page: place.page}
    answer = paused((yield from ask(get(asking, listed.resource, **query))))
    if listed.spare and answer.code in (400, 403, 404, 422):
        return Answer(code=200, body=b"[]"), []
    body = said(good(answer))
    return answer, rows(body if isinstance(body, list) else table(body).get("items"))


def _after(place: Place, following: str | None) -> Place:
    if following:
        return Place(place.since, place.began, place.list, following)
    return Place(place.since, place.began, place.list + 1)


def _more(answer: Answer, records: list[Mapping[str, Any]], listed: List, place: Place) -> str | None:
    """The page that follows, as the body's `next`, a header or the length of the page tells; None after the last."""
    if not records:
        return None
    body = table(said(answer))
    if "next" in body:
        asked = parse_qs(urlsplit(text(body["next"]) or "").query)
        told = {name.lower(): values[0] for name, values in asked.items()}
        following = told.get("cursor") or told.get("page")
        return following if following and following != place.page else None
    if not place.page.isdigit():
        return None
    here, pages = int(place.page), answer.headers.get("total-pages", "")
    more = here < int(pages) if pages.isdigit() else len(records) >= listed.limit
    return str(here + 1) if more else None


def _found(resource: str, record: Mapping[str, Any]) -> Found:
    body = as_body(record)
    return Found(
        topic=resource,
        key=state(f"{resource}/{identity(record.get('id'))}", body),
        body=body,
        changed_at=_changed(resource, record),
    )


def _changed(resource: str, record: Mapping[str, Any]) -> datetime | None:
    if resource == "return":
        history = [moment(row.get("timestamp"), "UTC") for row in rows(record.get("status_history"))]
        return max(filter(None, [latest(record, *TIMES), *history]), default=None)
    shipments = [latest(one, *OF_ORDER) for one in rows(record.get("shipments"))]
    return max(filter(None, [latest(record, *OF_ORDER), *shipments]), default=None)
