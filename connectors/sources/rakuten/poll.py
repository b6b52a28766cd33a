"""What has changed at RMS. Its search knows no time of change, so several questions together have to do:

orders placed, confirmed and reported as sent since the last poll; and every order of the last 63 days that is still
open or was cancelled, for a cancellation or a tracking number that was entered has no date to search by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.parts.talk.asking import as_body, state
from connectors.parts.talk.cursor import Window, window
from connectors.parts.values.loose import number, rows, table, text
from connectors.parts.values.times import moment
from connectors.sources.rakuten.asked import post
from connectors.sources.rakuten.read import LIST, ORDER
from connectors.sources.rakuten.words import ZONE, changed, when
from engine.contracts import Asking, Conversation, Found, Page

OVERLAP = timedelta(minutes=30)
LONGEST = timedelta(days=63)  # between the two ends of a search
SPAN = timedelta(days=7)  # of a search of ours: one finds no more than 15,000 orders
OLDEST = timedelta(days=729)  # orders are kept for two years
AT_ONCE = 100  # numbers that getOrder takes
VERSION = 7  # of the order's form: with SKUs
PLACED, FIXED, REPORTED = 1, 3, 5  # dateType
OPEN = (100, 200, 300, 400, 800, 900)

# How often open orders are gone through: each time while they are few, else every hour.
FEW = 300
SWEEP = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Search:
    """One question for numbers of orders; `swept`: of those that are open."""

    kind: int
    start: datetime
    end: datetime
    swept: bool = False


def poll(asking: Asking) -> Conversation[None]:
    """Every order that is new, was sent or is still open. The cursor holds which question a poll is at, and at which
    page of it. A poll that goes on asks the same questions: up to when it was begun."""
    place = window(asking)
    end = place.began
    step, page = _stand(place)
    passed: set[str] = set()
    searches = list(_searches(max(place.since, end - OLDEST), end))
    for count, search in enumerate(searches):
        if count < step:
            continue
        place = yield from _walk(asking, search, place, (count, page if count == step else 1), passed)
    yield Page(cursor=place.done(OVERLAP).text)


def _searches(since: datetime, end: datetime) -> Iterator[Search]:
    for kind in (PLACED, FIXED, REPORTED):
        start = since
        while start < end:
            yield Search(kind=kind, start=start, end=min(start + SPAN, end))
            start += SPAN
    yield Search(kind=PLACED, start=end - LONGEST + timedelta(hours=1), end=end, swept=True)


def _walk(
    asking: Asking, search: Search, place: Window, stand: tuple[int, int], passed: set[str]
) -> Conversation[Window]:
    """One question, page by page, to a page that brings nothing more."""
    count, page = stand
    seen: set[str] = set()
    while True:
        numbers, total = yield from _numbers(asking, search, page)
        if search.swept and page == 1 and total > FEW and not _due(asking, place):
            return place
        more = set(numbers) - seen
        seen |= more
        found = yield from _orders(asking, [one for one in numbers if one not in passed])
        passed |= more
        page += 1
        placed = [when(one, "orderDatetime") for one in found] if search.kind == PLACED and not search.swept else []
        place = place.reached(f"{count}.{page}", *placed)
        over = not more or len(seen) >= total
        if over:
            noted = {**place.noted, **({"swept": asking.now.isoformat()} if search.swept else {})}
            place = replace(place, after=f"{count + 1}.1", noted=noted)
        records = tuple(record for one in found if (record := _found(one)))
        if records:
            yield Page(found=records, cursor=place.text)
        if over:
            return place


def question(search: Search, page: int) -> Mapping[str, Any]:
    """What searchOrder is asked: a page of numbers, the oldest order first."""
    asked: dict[str, Any] = {
        "dateType": search.kind,
        "startDatetime": _local(search.start),
        "endDatetime": _local(search.end),
        "PaginationRequestModel": {
            "requestRecordsAmount": AT_ONCE,
            "requestPage": page,
            "SortModelList": [{"sortColumn": 1, "sortDirection": 1}],
        },
    }
    return {**asked, "orderProgressList": list(OPEN)} if search.swept else asked


def _numbers(asking: Asking, search: Search, page: int) -> Conversation[tuple[list[str], int]]:
    """The numbers of a page of the search, and how many there are in all."""
    reply = yield from post(asking, "searchOrder", question(search, page))
    listed = reply.get("orderNumberList")
    numbers = [one for value in (listed if isinstance(listed, list) else []) if (one := text(value))]
    total = number(table(reply.get("PaginationResponseModel")).get("totalRecordsAmount"))
    return list(dict.fromkeys(numbers)), int(total) if total is not None else len(numbers)


def _orders(asking: Asking, numbers: list[str]) -> Conversation[list[Mapping[str, Any]]]:
    found: list[Mapping[str, Any]] = []
    for start in range(0, len(numbers), AT_ONCE):
        asked = {"orderNumberList": numbers[start : start + AT_ONCE], "version": VERSION}
        reply = yield from post(asking, "getOrder", asked)
        found += rows(reply.get(LIST))
    return found


def _found(order: Mapping[str, Any]) -> Found | None:
    name = text(order.get("orderNumber"))
    if name is None:
        return None
    body = as_body(order)
    return Found(topic=ORDER, key=state(f"orders/{name}", body), body=body, changed_at=changed(order))


def _due(asking: Asking, place: Window) -> bool:
    last = moment(place.noted.get("swept"))
    return last is None or asking.now - last >= SWEEP


def _stand(place: Window) -> tuple[int, int]:
    step, _, page = (place.after or "").partition(".")
    return (int(step), int(page)) if step.isdigit() and page.isdigit() else (0, 1)


def _local(at: datetime) -> str:
    return at.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M:%S%z")
