"""Polling STORES: https://heyinc.github.io/retail-api-docs/202211.html

Orders can be found by when they were ordered and by when they were cancelled or paid back, not by when they were sent.
So open orders are asked for again by their ids, fifty at a time. An order shows up some time after it was placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.parts.talk.asking import as_body, asked_now, state
from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import rows, table, text
from connectors.parts.values.times import zone_named
from connectors.parts.values.turns import in_turn
from connectors.sources.stores.asked import get
from connectors.sources.stores.read import ORDER
from connectors.sources.stores.words import ZONE, is_finished, kind, moments, named, when
from engine.contracts import Asking, Conversation, Found, Page

LIMIT = 100
AT_ONCE = 50  # ids in one request
LATE = timedelta(days=1)  # how long an order may take to show up
OVERLAP = timedelta(hours=1)
AFTERWARDS = timedelta(days=3)  # how long after dispatch a number may still be written
OLDEST = timedelta(days=200)  # articles are sold ahead for months
MOST_OPEN = 1000
MOST = 100_000  # orders of one list


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`ordered` and `cancelled`: the latest moments of each kind that are known. `open`: orders that are not finished,
    each with the key of the state in which it was stored last. While a poll is under way, `looks` are the lists still
    to be looked through, each a parameter and its value, the first as far as `offset`; after them `left` open orders
    are still to be asked for, behind `turn`. A poll may be broken off after any page, and goes on from there."""

    ordered: datetime
    cancelled: datetime
    open: dict[str, str] = {}
    looks: tuple[tuple[str, str], ...] = ()
    offset: int = 0
    left: int = 0
    turn: str = ""


def poll(asking: Asking) -> Conversation[None]:
    """New orders, cancelled ones, and open ones again."""
    cursor = _begun(asking)
    if cursor.looks:
        cursor = yield from _lists(asking, cursor)
    while some := in_turn(cursor.open, cursor.turn, min(AT_ONCE, cursor.left)):
        told = yield from get(asking, "orders", ids=",".join(some), limit=LIMIT)
        listed = rows(table(told).get("orders"))
        found, cursor = _taken(asking, cursor, listed)
        gone = set(some) - {named(one) for one in listed} if listed else set()
        still = {order_id: key for order_id, key in cursor.open.items() if order_id not in gone}
        cursor = replace(cursor, open=still, turn=some[-1], left=cursor.left - len(some))
        yield Page(found=found, cursor=written(cursor))


def _begun(asking: Asking) -> Cursor:
    """The cursor with a poll begun; one that was broken off goes on where it was."""
    cursor = remembered(asking, Cursor, lambda: Cursor(ordered=asking.since + LATE, cancelled=asking.since + OVERLAP))
    if cursor.looks or cursor.left:
        return cursor
    ordered = ("ordered_at_from", _written(cursor.ordered - LATE))
    return replace(cursor, looks=(ordered, ("canceled_at_from", _written(cursor.cancelled - OVERLAP))))


def _lists(asking: Asking, cursor: Cursor) -> Conversation[Cursor]:
    """Every page of both lists, oldest orders first: an order that shows up late pushes the others back, so that some
    come twice and none is missed."""
    before: list[Mapping[str, Any]] = []
    while cursor.looks:
        ((name, since), *_) = cursor.looks
        query = {name: since, "direction": "asc", "limit": LIMIT, "offset": cursor.offset}
        told = yield from get(asking, "orders", **query)
        listed = rows(table(told).get("orders"))
        found, cursor = _taken(asking, cursor, listed)
        if listed and listed != before and cursor.offset < MOST:
            cursor, before = replace(cursor, offset=cursor.offset + len(listed)), listed
        else:
            looks = cursor.looks[1:]
            cursor = replace(cursor, looks=looks, offset=0, left=0 if looks else len(cursor.open))
            before = []
        yield Page(found=found, cursor=written(cursor))
    return cursor


def _taken(asking: Asking, cursor: Cursor, listed: Iterable[Mapping[str, Any]]) -> tuple[tuple[Found, ...], Cursor]:
    """What is new among the orders, and the cursor with them."""
    found, left = [], dict(cursor.open)
    ordered, cancelled = [cursor.ordered], [cursor.cancelled]
    for record in listed:
        order_id = named(record)
        if order_id is None:
            continue
        one = _found(asking, order_id, record)
        if left.get(order_id) != one.key:
            found.append(one)
        left.pop(order_id, None)
        if _is_open(record, asking.now):
            left[order_id] = one.key
        ordered += filter(None, [when(record, "ordered_at")])
        cancelled += [at for part in rows(record.get("deliveries")) if (at := when(part, "canceled_at"))]
    young = dict(list(left.items())[-MOST_OPEN:])
    return tuple(found), replace(cursor, ordered=max(ordered), cancelled=max(cancelled), open=young)


def _found(asking: Asking, order_id: str, record: Mapping[str, Any]) -> Found:
    """The order as it goes into the inbox. It tells no time of its last change: it stood so when it was asked for."""
    body = as_body(record)
    return Found(
        topic=ORDER,
        key=state(f"orders/{order_id}", body),
        body=body,
        headers=asked_now(asking),
        changed_at=max(moments(record), default=None),
    )


def _is_open(record: Mapping[str, Any], now: datetime) -> bool:
    """Can anything still happen to it? A number may be written after the parcel has left."""
    ordered_at = when(record, "ordered_at")
    if ordered_at and ordered_at < now - OLDEST:
        return False
    return any(not is_finished(one) or _awaits_number(one, now) for one in rows(record.get("deliveries")))


def _awaits_number(one: Mapping[str, Any], now: datetime) -> bool:
    left = when(one, "shipped_at")
    return (
        kind(one) == "parcel" and left is not None and left > now - AFTERWARDS and not text(one.get("tracking_number"))
    )


def _written(at: datetime) -> str:
    """The moment as the API wants it, in its own time."""
    return at.astimezone(zone_named(ZONE)).strftime("%Y-%m-%dT%H:%M:%S")
