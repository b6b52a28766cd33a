"""Polling V1: orders by their last change, shipments and fulfilments by their making, voided labels.

A list of orders in the order of their changes moves while it is read: one that changes goes to its end, and the next
page begins one later. So after every page the start moves on instead, and pages are turned only within one moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import text
from connectors.sources.shipstation.asked import Sheet, base, found, sheet
from connectors.sources.shipstation.parcels import postdated
from connectors.sources.shipstation.resources import located
from connectors.sources.shipstation.words import local
from engine.contracts import Asking, Conversation, Page, Unanswered

OVERLAP = timedelta(minutes=15)
MOST_PAGES = 2000


class List(NamedTuple):
    """One list: its name, the filter that takes the start, fixed parts of the query, and the key by which it is sorted
    when the start may move on with it. `due` takes labels whose later day has come."""

    name: str
    start: str
    query: dict[str, str]
    moves: str | None = None
    due: bool = False


LISTS = (
    List("orders", "modifyDateStart", {"sortBy": "ModifyDate", "sortDir": "ASC"}, "modifyDate"),
    List("shipments", "createDateStart", {"sortBy": "CreateDate", "sortDir": "ASC"}, "createDate"),
    List("shipments", "voidDateStart", {"sortBy": "CreateDate", "sortDir": "ASC"}),
    List("shipments", "shipDateStart", {"sortBy": "ShipDate", "sortDir": "ASC"}, due=True),
    List("fulfillments", "createDateStart", {"sortBy": "CreateDate", "sortDir": "ASC"}, "createDate"),
)


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a poll stands: in which list, from which start (as V1 writes it; None is `since`), on which page."""

    since: datetime
    began: datetime
    list: int = 0
    start: str | None = None
    page: int = 1


def poll(asking: Asking) -> Conversation[None]:
    """A Found for every order, shipment and fulfilment. Raises Unanswered, also for a list that does not end."""
    place, before = _start(asking), b""
    store = {"storeId": asking.settings["store"]} if asking.settings.get("store") else {}
    for _ in range(MOST_PAGES):
        listed = LISTS[place.list]
        query = {**listed.query, **store, listed.start: place.start or _from(listed, place, asking)}
        if listed.due:
            query["shipDateEnd"] = local(asking.now)[:10]
        got = yield from sheet(base(asking), listed.name, query, place.page)
        if got.body == before:
            raise Unanswered("provider", f"the list of {listed.name} does not end: one page came twice")
        here, place = place, _after(place, listed, got)
        before = got.body if (place.list, place.start) == (here.list, here.start) else b""
        part = "/left" if listed.due else ""
        records = [record for record in got.records if not listed.due or postdated(record)]
        told = tuple(found(listed.name, record, part) for record in records)
        if place.list == len(LISTS):
            yield Page(found=told, cursor=written(Place(place.began, place.began, -1)))
            return
        yield Page(found=told, cursor=written(place))
    raise Unanswered("provider", f"a list has more than {MOST_PAGES} pages")


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """The records that a thin webhook named (`resources.followed`), page by page."""
    where = located(ref, asking.settings.get("url"))
    if where is None:
        raise Unanswered("request", "the webhook named no list of ShipStation's API")
    home, name, query = where
    before = b""
    for page in range(1, MOST_PAGES):
        got = yield from sheet(home, name, query, page)
        if got.body == before:
            raise Unanswered("provider", f"the list of {name} does not end: one page came twice")
        yield Page(found=tuple(found(name, record) for record in got.records))
        if got.last:
            return
        before = got.body
    raise Unanswered("provider", f"the list of {name} has more than {MOST_PAGES} pages")


def _start(asking: Asking) -> Place:
    """Go on in the middle of a poll that was broken off, or begin one."""
    place = remembered(asking, Place, lambda: Place(asking.since, asking.now))
    return place if 0 <= place.list < len(LISTS) else Place(place.since - OVERLAP, asking.now)


def _from(listed: List, place: Place, asking: Asking) -> str:
    """The start of a list; a day for the ships of the day, of which the whole day counts."""
    return local(place.since)[:10] if listed.due else local(place.since)


def _after(place: Place, listed: List, got: Sheet) -> Place:
    if got.last:
        return Place(place.since, place.began, place.list + 1)
    key = listed.moves
    newest = max((told for record in got.records if key and (told := text(record.get(key)))), default=None)
    if newest and newest.replace("T", " ") > (place.start or local(place.since)).replace("T", " "):
        return Place(place.since, place.began, place.list, newest)
    return Place(place.since, place.began, place.list, place.start, place.page + 1)
