"""Polling BASE: orders are listed by the day they were ordered, never by their last change.

Two looks find what has happened since. The list, from the oldest order of the last days that is still open, shows when
each order last changed, page by page. And open orders are read again one by one, in turn, as far as a budget
goes: for those that are older, and for articles that are sent one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.parts.talk.asking import as_body, state
from connectors.parts.values.loose import identity, rows, table
from connectors.parts.values.times import zone_named
from connectors.parts.values.turns import in_turn
from connectors.sources.base.asked import companies, get, missing
from connectors.sources.base.cursor import Cursor, begun, is_open, kept, second
from connectors.sources.base.read import ORDER
from connectors.sources.base.words import ZONE, last_change
from engine.contracts import Asking, Conversation, Found, Page, Unanswered

OVERLAP = timedelta(minutes=10)  # of changes
LIMIT = 50  # of the list, each of which may have to be read in full: a page must not take long
AT_ONCE = 10
BUDGET = 60  # open orders that one poll reads again; twelve polls an hour leave most of the 5,000 to others
MOST_PAGES = 1000


def poll(asking: Asking) -> Conversation[None]:
    """All orders that are new or have changed, then open ones in turn."""
    cursor = begun(asking)
    names = yield from companies(asking)
    if cursor.start is not None:
        cursor = yield from _list(asking, cursor, names)
    yield from _again(asking, cursor, names)


def _list(asking: Asking, cursor: Cursor, names: Mapping[str, str]) -> Conversation[Cursor]:
    """Look through the list, newest orders first: one that comes in meanwhile pushes the others back, so that some come
    twice and none is missed."""
    start = _written(cursor.start or 0)
    before: list[Mapping[str, Any]] = []
    for _ in range(MOST_PAGES):
        told = yield from get(asking, "orders", start_ordered=start, limit=LIMIT, offset=cursor.offset)
        listed = rows(told.get("orders"))
        found = []
        for row in listed:
            if _is_news(row, cursor) and (one := (yield from _detail(asking, row.get("unique_key"), names))):
                found.append(one)
        over = not listed or listed == before
        top = max([cursor.top, *(second(last_change(row)) for row in listed)])
        cursor = replace(
            cursor, open=kept(cursor.open, listed, asking.now), top=top, offset=cursor.offset + len(listed)
        )
        if over:
            break
        before = listed
        yield Page(found=tuple(found), cursor=cursor.text)
    left = min(BUDGET, len(cursor.open))
    cursor = Cursor(seen=max(cursor.seen, cursor.top), open=cursor.open, turn=cursor.turn, left=left)
    yield Page(found=tuple(found), cursor=cursor.text)
    return cursor


def _again(asking: Asking, cursor: Cursor, names: Mapping[str, str]) -> Conversation[None]:
    """Read open orders again, a page every ten: a limit that other apps have used up costs no more."""
    while turn := in_turn(cursor.open, cursor.turn, min(AT_ONCE, cursor.left)):
        found, still = [], dict(cursor.open)
        for key in turn:
            one = yield from _detail(asking, key, names)
            if one is not None:
                found.append(one)
            if one is None or not is_open(table(msgspec.json.decode(one.body))):
                still.pop(key, None)
        cursor = replace(cursor, open=still, turn=turn[-1], left=cursor.left - len(turn))
        yield Page(found=tuple(found), cursor=cursor.text)


def _detail(asking: Asking, key: object, names: Mapping[str, str]) -> Conversation[Found | None]:
    """The order as it goes into the inbox, with the name of its carrier; None when it is not there."""
    number = identity(key)
    if number is None:
        return None
    try:
        told = yield from get(asking, "orders", "detail", number)
    except Unanswered as unanswered:
        if missing(unanswered):
            return None
        raise
    record = dict(table(told.get("order")) or told)
    if name := names.get(identity(record.get("delivery_company_id")) or ""):
        record["delivery_company"] = name
    body = as_body(record)
    return Found(topic=ORDER, key=state(f"orders/{number}", body), body=body, changed_at=last_change(record))


def _is_news(row: Mapping[str, Any], cursor: Cursor) -> bool:
    """Has it changed since the last poll, or is it an open one that we do not have? BASE shows some late."""
    if second(last_change(row)) >= cursor.seen - OVERLAP.total_seconds():
        return True
    return is_open(row) and identity(row.get("unique_key")) not in cursor.open


def _written(second: int) -> str:
    """The moment as BASE wants it, in its own time."""
    return datetime.fromtimestamp(second, zone_named(ZONE)).strftime("%Y-%m-%d %H:%M:%S")
